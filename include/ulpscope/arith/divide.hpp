// Quotients and square roots: as many bits as the word holds, the remainder as sticky.
//
// The quotient of two normalised significands is computed with word_bits - 1 or - 2 bits and
// never rounded on the way, so round_pack sees 2^-36 ulp and "something more" for every format
// of the narrow word. Both are digit loops: plain, constexpr, the same on host and device.
//
//   fp32: 1/3 -> significand 0101...01, sticky
//
// Tested by tests/arith/operations_test.cpp and tests/exhaustive.
#pragma once

#include "ulpscope/arith/add.hpp"

namespace ulpscope {

namespace detail {

template <class Word>
struct Digits {
  Word value;
  bool remainder;
};

// floor(x / y * 2^(word_bits - 2)) for 2^(w-2) <= x, y < 2^(w-1), one bit a turn.
template <class Word>
ULPSCOPE_HD constexpr Digits<Word> quotient_digits(Word x, Word y) {
  Word quotient = 0;
  Word rest = x;  // rest < 2y, so the doubling below stays inside the word
  for (int i = 0; i < word_bits<Word> - 1; ++i) {
    quotient = static_cast<Word>(quotient << 1);
    if (rest >= y) {
      rest = static_cast<Word>(rest - y);
      quotient |= 1;
    }
    rest = static_cast<Word>(rest << 1);
  }
  return {quotient, rest != 0};
}

// floor(sqrt(x * 2^(w-4))) for x < 2^w, w the word's bits: w - 2 root bits, two of the radicand
// brought down a turn, zeros once x is used up.
template <class Word>
ULPSCOPE_HD constexpr Digits<Word> root_digits(Word x) {
  Word root = 0;
  Word rest = 0;  // rest <= 2 root, so it needs one bit more than the root
  for (int i = 0; i < word_bits<Word> - 2; ++i) {
    rest = static_cast<Word>((rest << 2) | (x >> (word_bits<Word> - 2)));
    x = static_cast<Word>(x << 2);
    const Word trial = static_cast<Word>((root << 2) | 1);
    root = static_cast<Word>(root << 1);
    if (rest >= trial) {
      rest = static_cast<Word>(rest - trial);
      root |= 1;
    }
  }
  return {root, rest != 0};
}

}  // namespace detail

// x / y for exact operands without sticky part. Non-zero / 0 is an infinity and raises
// divide_by_zero; 0/0 and infinity/infinity are invalid.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> divide(const Exact<Word>& x, const Exact<Word>& y) {
  const bool negative = x.negative != y.negative;
  const Flag flags = x.flags | y.flags;
  if (x.kind == Kind::finite && y.kind == Kind::finite) {
    const auto a = detail::normalised(x);
    const auto b = detail::normalised(y);
    const auto digits = detail::quotient_digits(a.significand, b.significand);
    return {.significand = digits.value,
            .exponent = a.exponent - b.exponent - (word_bits<Word> - 2),
            .kind = Kind::finite,
            .negative = negative,
            .sticky = digits.remainder,
            .flags = flags};
  }
  if (x.kind == Kind::nan || y.kind == Kind::nan) return first_nan(x, y);
  if (x.kind == y.kind) return exact_nan<Word>(flags | Flag::invalid);  // 0/0, inf/inf
  if (x.kind == Kind::infinity) return exact_infinity<Word>(negative, flags);
  if (y.kind == Kind::infinity || x.kind == Kind::zero) return exact_zero<Word>(negative, flags);
  return exact_infinity<Word>(negative, flags | Flag::divide_by_zero);
}

// The square root of an exact operand without sticky part; sqrt(-0) = -0, below zero is invalid.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> square_root(const Exact<Word>& x) {
  if (x.kind == Kind::nan || x.kind == Kind::zero) return x;
  if (x.negative) return exact_nan<Word>(x.flags | Flag::invalid);
  if (x.kind == Kind::infinity) return x;
  auto a = detail::normalised(x);
  if (a.exponent % 2 != 0) {  // an even exponent, so that it halves
    a.significand = static_cast<Word>(a.significand << 1);
    a.exponent -= 1;
  }
  // The loop brings down 2 (w - 2) radicand bits, w of them real: the root is of x 2^(w-4).
  const auto digits = detail::root_digits(a.significand);
  return {.significand = digits.value,
          .exponent = (a.exponent - (word_bits<Word> - 4)) / 2,
          .kind = Kind::finite,
          .sticky = digits.remainder,
          .flags = x.flags};
}

}  // namespace ulpscope
