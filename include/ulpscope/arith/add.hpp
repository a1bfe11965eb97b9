// Exact sums: x + y as a value for round_pack, in SoftFloat's four steps (specials, exact
// integer work, jam; the fourth step, round_pack, is the caller's).
//
// Both significands are brought to the top of the word, one bit below the highest so that a
// carry fits; the smaller one is shifted down and what falls off becomes sticky. That loses
// nothing that matters: a difference can cancel more than one bit only when the exponents
// differ by at most one, and then nothing is shifted out. Mostly nothing falls off at all: two
// 24-bit numbers up to 39 binades apart fit 64 bits, and then the sum has no sticky part.
//
// carry_out, the first kind of significand overflow: the sum lies in a binade above both terms,
// as 1.5 + 0.75 = 2.25 does. Tested by tests/arith/operations_test.cpp and tests/exhaustive.
#pragma once

#include "ulpscope/round/round_pack.hpp"

namespace ulpscope {

namespace detail {

// The finite value with its highest bit at word_bits - 2.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> normalised(Exact<Word> x) {
  const int up = word_bits<Word> - 1 - bit_width(x.significand);
  x.significand = static_cast<Word>(x.significand << up);
  x.exponent -= up;
  return x;
}

// The sum of two terms with all their bits in place; |x| >= |y|, normalised and finite.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> add_aligned(const Exact<Word>& x, Jammed<Word> low, bool subtract,
                                              Mode mode, Flag flags) {
  const auto difference = ones_if<Word>(subtract);
  // A sticky subtrahend lies above low.word: borrow one unit and keep the sticky rest.
  const auto borrow = ones_if<Word>(subtract & low.sticky);
  const auto sum = static_cast<Word>(x.significand + (low.word ^ difference) - difference + borrow);
  if (sum == 0) return exact_zero<Word>(mode == Mode::down, flags);
  const bool carry = !subtract & ((sum >> (word_bits<Word> - 1)) != 0);
  return {.significand = sum,
          .exponent = x.exponent,
          .kind = Kind::finite,
          .negative = x.negative,
          .sticky = low.sticky,
          .flags = flags | flag_if(carry, Flag::carry_out)};
}

// |x| >= |y|, both normalised and finite; the lowest `room` bits of y's significand are clear, so
// that a distance of as many binades loses nothing.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> add_ordered(const Exact<Word>& x, const Exact<Word>& y, int room,
                                              Mode mode, Flag flags) {
  const int distance = x.exponent - y.exponent;
  const bool subtract = x.negative != y.negative;
  if (distance <= room) [[likely]] {
    const Jammed<Word> low{static_cast<Word>(y.significand >> distance), false};
    return add_aligned(x, low, subtract, mode, flags);
  }
  return add_aligned(x, shift_right_jam(y.significand, distance), subtract, mode, flags);
}

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> add_finite(const Exact<Word>& x, const Exact<Word>& y, Mode mode,
                                             Flag flags) {
  const auto a = normalised(x);
  const auto b = normalised(y);
  const bool swap =
      (a.exponent < b.exponent) | ((a.exponent == b.exponent) & (a.significand < b.significand));
  const int room = select(swap, x.exponent - a.exponent, y.exponent - b.exponent);
  const Exact<Word> high{.significand = select(swap, b.significand, a.significand),
                         .exponent = select(swap, b.exponent, a.exponent),
                         .kind = Kind::finite,
                         .negative = select(swap, b.negative, a.negative)};
  const Exact<Word> low{.significand = select(swap, a.significand, b.significand),
                        .exponent = select(swap, a.exponent, b.exponent),
                        .kind = Kind::finite,
                        .negative = select(swap, a.negative, b.negative)};
  return add_ordered(high, low, room, mode, flags);
}

// The sum of two normal numbers of one format, whose codes tell which is the larger one.
template <class Word, class Code>
ULPSCOPE_HD constexpr Exact<Word> add_normal(const Format& f, Code x, Code y, Mode mode) {
  const auto mask = magnitude_mask<Code>(f);
  const bool swap = (x & mask) < (y & mask);
  const auto high = decode_normal<Word>(f, select(swap, y, x));
  const auto low = decode_normal<Word>(f, select(swap, x, y));
  const auto term = normalised(low);
  return add_ordered(normalised(high), term, low.exponent - term.exponent, mode, Flag::none);
}

}  // namespace detail

// x + y for exact operands without sticky part. `mode` decides only the sign of an exact zero
// sum of non-zero terms or of zeros of both signs: -0 rounding down, +0 otherwise.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> add(const Exact<Word>& x, const Exact<Word>& y, Mode mode) {
  const Flag flags = x.flags | y.flags;
  if (x.kind == Kind::finite && y.kind == Kind::finite) {
    return detail::add_finite(x, y, mode, flags);
  }
  if (x.kind == Kind::nan || y.kind == Kind::nan) return first_nan(x, y);
  if (x.kind == Kind::infinity || y.kind == Kind::infinity) {
    if (x.kind == y.kind && x.negative != y.negative) {
      return exact_nan<Word>(flags | Flag::invalid);
    }
    return exact_infinity<Word>(x.kind == Kind::infinity ? x.negative : y.negative, flags);
  }
  if (x.kind == Kind::zero && y.kind == Kind::zero) {
    return exact_zero<Word>(x.negative == y.negative ? x.negative : mode == Mode::down, flags);
  }
  Exact<Word> sum = x.kind == Kind::zero ? y : x;
  sum.flags = flags;
  return sum;
}

// -x; a NaN operand keeps its sign, as every processor has it.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> negated(Exact<Word> x) {
  if (x.kind != Kind::nan) x.negative = !x.negative;
  return x;
}

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> subtract(const Exact<Word>& x, const Exact<Word>& y, Mode mode) {
  return add(x, negated(y), mode);
}

}  // namespace ulpscope
