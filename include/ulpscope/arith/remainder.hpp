// The remainder of IEEE 754 (5.3.1): x - n y, n being the integer nearest to x / y, ties to even.
//
//   remainder(5, 3) is -1 (n = 2);  remainder(3, 2) is -1 (n = 2);  remainder(1, 2) is 1 (n = 0)
//
// It is exact: a multiple of the finer operand's lowest bit and never longer than the longer
// significand, so it fits the word; in a format that both operands have, nothing is left to round
// (but for remainders below the smallest number of a format without subnormals, which underflow).
// The quotient may have tens of thousands of bits. It is worked off by long division, one bit a
// turn, and only its last bit is kept, which decides the tie.
//
// A zero remainder has the sign of x. x rem infinity is x; x rem 0 and infinity rem y are invalid.
// Limits: as many turns as the exponents differ, 277 at most for binary32 and 2,098 for binary64.
// Tested by tests/arith/remainder_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

namespace detail {

// What is left of `rest` x 2^steps after division by y, and whether the quotient is odd;
// rest < 2 y, and y has the word's second highest bit.
template <class Word>
struct Remains {
  Word rest;
  bool odd;
};
template <class Word>
ULPSCOPE_HD constexpr Remains<Word> divide_out(Word rest, Word y, int steps) {
  for (int i = 0;; ++i) {
    const bool odd = rest >= y;
    if (odd) rest = static_cast<Word>(rest - y);
    if (i == steps) return {rest, odd};
    rest = static_cast<Word>(rest << 1);
  }
}

// Finite operands.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> remainder_of_numbers(const Exact<Word>& x, const Exact<Word>& y,
                                                       Flag flags) {
  Exact<Word> result = x;
  result.flags = flags;
  const auto a = normalised(x);
  const auto b = normalised(y);
  const int steps = a.exponent - b.exponent;
  if (steps < -1) return result;  // |x| < |y| / 2
  if (steps == -1) {              // |y| / 4 < |x| < |y|, in units of half of y's lowest bit
    if (a.significand <= b.significand) return result;
    result.significand = static_cast<Word>((b.significand << 1) - a.significand);
    result.exponent = a.exponent;
    result.negative = !x.negative;
    return result;
  }
  const auto left = divide_out(a.significand, b.significand, steps);
  if (left.rest == 0) return exact_zero<Word>(x.negative, flags);
  const Word twice = static_cast<Word>(left.rest << 1);
  const bool up = twice > b.significand || (twice == b.significand && left.odd);
  result.significand = up ? static_cast<Word>(b.significand - left.rest) : left.rest;
  result.exponent = b.exponent;
  result.negative = x.negative != up;
  return result;
}

}  // namespace detail

// For exact operands without sticky part.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> remainder(const Exact<Word>& x, const Exact<Word>& y) {
  const Flag flags = x.flags | y.flags;
  if (x.kind == Kind::nan || y.kind == Kind::nan) return first_nan(x, y);
  if (x.kind == Kind::infinity || y.kind == Kind::zero) {
    return exact_nan<Word>(flags | Flag::invalid);
  }
  if (x.kind == Kind::finite && y.kind == Kind::finite) {
    return detail::remainder_of_numbers(x, y, flags);
  }
  Exact<Word> result = x;
  result.flags = flags;
  return result;
}

template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> remainder_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(remainder(detail::exact<To, Word>(x), detail::exact<To, Word>(y)));
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> remainder(Soft<F, R> x, Soft<F, R> y) {
  return remainder_to<Soft<F, R>>(x, y).value;
}

static_assert(remainder(Soft<fp16>(5), Soft<fp16>(3)) == Soft<fp16>(-1));

}  // namespace ulpscope
