// Exact products, and the fused multiply-add built on them.
//
// A product of significands of p and q bits has p + q bits, so it fits the word chosen for the
// formats (word_for): nothing is jammed here. fma adds the third term to that exact product,
// which is why it rounds once where `x*y` then `+z` rounds twice:
//
//   fp32: x = 1 + 2^-12, fma(x, x, -1) == 2^-11 + 2^-24, but x*x - 1 == 2^-11
//
// Tested by tests/arith/operations_test.cpp and tests/exhaustive.
#pragma once

#include "ulpscope/arith/add.hpp"

namespace ulpscope {

// x * y for exact operands without sticky part; 0 x infinity is invalid.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> multiply(const Exact<Word>& x, const Exact<Word>& y) {
  const bool negative = x.negative != y.negative;
  const Flag flags = x.flags | y.flags;
  if (x.kind == Kind::finite && y.kind == Kind::finite) {
    return {.significand = static_cast<Word>(x.significand * y.significand),
            .exponent = x.exponent + y.exponent,
            .kind = Kind::finite,
            .negative = negative,
            .flags = flags};
  }
  if (x.kind == Kind::nan || y.kind == Kind::nan) return first_nan(x, y);
  if (x.kind == Kind::infinity || y.kind == Kind::infinity) {
    if (x.kind == Kind::zero || y.kind == Kind::zero) return exact_nan<Word>(flags | Flag::invalid);
    return exact_infinity<Word>(negative, flags);
  }
  return exact_zero<Word>(negative, flags);
}

// x * y + z, exact up to the sticky bit.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> fma(const Exact<Word>& x, const Exact<Word>& y,
                                      const Exact<Word>& z, Mode mode) {
  return add(multiply(x, y), z, mode);
}

}  // namespace ulpscope
