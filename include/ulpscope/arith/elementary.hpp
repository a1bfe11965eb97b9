// 2^x, log2 x, e^x and ln x to about 60 bits, in integers: the exact values that the special
// functions of a chip are judged by.
//
// The results are values for residues, not correctly rounded functions: they are flagged sticky,
// and are off by at most 2^-55 of themselves (measured 2^-55.9), which is 2^-31 ulp of a binary32
// result: a residue at a site of exponentials or logarithms is good to two of its units.
//
//   exp2_value(1/2) = 0x1.6a09e667f3bcc9... = sqrt(2)
//
// Method. exp2: the fraction f of x as a 64-bit integer, t = f ln2 / 8 < 0.087, twelve terms of
// the exponential series (the next is below 2^-71), squared three times, which makes the error of
// a few units of 2^-63 at most ten times larger. log2: one bit a turn by squaring the significand
// in [1, 2), kept to 126 bits; an error of a unit doubles every turn, so 110 turns are safe, and
// log2(1 + 2^-23), the smallest that binary32 has, still has 86 bits.
//
// Domain: finite binary32 operands (and x log2 e of those). Tested by
// tests/arith/elementary_test.cpp against Boost's 113-bit functions.
#pragma once

#include "ulpscope/arith/add.hpp"

namespace ulpscope {

namespace detail {

inline constexpr int q63 = 63;
inline constexpr uint64_t one_q63 = uint64_t{1} << q63;
inline constexpr uint64_t ln2_q64 = 0xB172'17F7'D1CF'79AC;    // ln 2 * 2^64
inline constexpr uint64_t log2e_q63 = 0xB8AA'3B29'5C17'F0BC;  // log2 e * 2^63

ULPSCOPE_HD constexpr uint64_t multiply_q63(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>((uint128{a} * b) >> q63);
}

// 2^f in [1, 2] as Q63 for the fraction f / 2^64.
ULPSCOPE_HD constexpr uint64_t exp2_fraction(uint64_t f) {
  // f ln2 / 8 in Q63: f (Q64) times ln2 (Q64) is Q128; 68 bits down is Q60, that is Q63 of an 8th.
  const auto t = static_cast<uint64_t>((uint128{f} * ln2_q64) >> 68);
  constexpr int terms = 12;
  uint64_t factorials = 1;
  for (int k = 2; k <= terms; ++k) factorials *= static_cast<uint64_t>(k);
  uint64_t sum = one_q63 / factorials;
  for (int k = terms; k >= 1; --k) {
    factorials /= static_cast<uint64_t>(k);
    sum = one_q63 / factorials + multiply_q63(sum, t);
  }
  for (int i = 0; i < 3; ++i) sum = multiply_q63(sum, sum);
  return sum;
}

// 2^(n + f / 2^64)
ULPSCOPE_HD constexpr Exact<uint64_t> exp2_split(int n, uint64_t f) {
  return {
      .significand = exp2_fraction(f), .exponent = n - q63, .kind = Kind::finite, .sticky = true};
}

inline constexpr int log2_bits = 110;

// log2 of m / 2^63 in [1, 2), truncated to log2_bits fraction bits.
ULPSCOPE_HD constexpr uint128 log2_significand(uint64_t m) {
  uint128 bits = 0;
  uint128 x = uint128{m} << 63;  // Q126
  for (int i = 0; i < log2_bits; ++i) {
    const auto top = static_cast<uint64_t>(x >> 63);  // Q63, the square of its 64 bits is Q126
    const auto low = static_cast<uint64_t>(x) & (one_q63 - 1);
    x = uint128{top} * top + ((uint128{top} * low) >> 62);
    bits <<= 1;
    if ((x >> 127) != 0) {
      bits |= 1;
      x >>= 1;
    }
  }
  return bits;
}

// integer * 2^-log2_bits as an exact value.
ULPSCOPE_HD constexpr Exact<uint64_t> from_log2_bits(int128 x) {
  if (x == 0) return exact_zero<uint64_t>(false);
  const bool negative = x < 0;
  auto magnitude = static_cast<uint128>(negative ? -x : x);
  const int excess = bit_width(magnitude) - 64;
  if (excess > 0) magnitude >>= excess;
  return {.significand = static_cast<uint64_t>(magnitude),
          .exponent = (excess > 0 ? excess : 0) - log2_bits,
          .kind = Kind::finite,
          .negative = negative,
          .sticky = true};
}

}  // namespace detail

// 2^x for an exact x of at most 64 significand bits. Below 2^-64 the result is 1 plus or minus less
// than a unit, which is what is returned; from |x| = 2^20 on, far outside every format, 2^(+-2^20)
// stands for it.
ULPSCOPE_HD constexpr Exact<uint64_t> exp2_value(const Exact<uint64_t>& x) {
  if (x.kind == Kind::nan) return x;
  if (x.kind == Kind::infinity) return x.negative ? exact_zero<uint64_t>(false) : x;
  if (x.kind == Kind::zero) return {.significand = 1, .exponent = 0, .kind = Kind::finite};
  constexpr int far = 20;
  if (exponent_of(x) >= far) {
    return {.significand = 1,
            .exponent = x.negative ? -(1 << far) : 1 << far,
            .kind = Kind::finite,
            .sticky = true};
  }
  // x as a fixed-point number with 64 fraction bits.
  const int shift = x.exponent + 64;
  const uint128 fixed = shift >= 0 ? uint128{x.significand} << shift
                                   : shift_right_jam(uint128{x.significand}, -shift).word;
  auto n = static_cast<int>(fixed >> 64);
  auto f = static_cast<uint64_t>(fixed);
  if (x.negative) {
    n = -n - (f != 0 ? 1 : 0);
    f = uint64_t{0} - f;
  }
  if (f == 0 && shift >= 0) return {.significand = 1, .exponent = n, .kind = Kind::finite};
  return detail::exp2_split(n, f);
}

// log2 x for a finite x > 0.
ULPSCOPE_HD constexpr Exact<uint64_t> log2_value(const Exact<uint64_t>& x) {
  const int width = bit_width(x.significand);
  const int n = x.exponent + width - 1;
  const uint64_t m = x.significand << (64 - width);
  if (m == detail::one_q63) {  // a power of two
    const auto magnitude = static_cast<uint64_t>(n < 0 ? -n : n);
    if (n == 0) return exact_zero<uint64_t>(false);
    return {.significand = magnitude, .kind = Kind::finite, .negative = n < 0};
  }
  return detail::from_log2_bits((int128{n} << detail::log2_bits) +
                                static_cast<int128>(detail::log2_significand(m)));
}

// e^x = 2^(x log2 e); the product keeps 64 bits below the point of |x| < 2^10.
ULPSCOPE_HD constexpr Exact<uint64_t> exp_value(const Exact<uint64_t>& x) {
  if (x.kind != Kind::finite) return exp2_value(x);
  auto product = uint128{x.significand} * detail::log2e_q63;
  int exponent = x.exponent - detail::q63;
  const int excess = bit_width(product) - 64;
  if (excess > 0) {
    product >>= excess;
    exponent += excess;
  }
  return exp2_value({.significand = static_cast<uint64_t>(product),
                     .exponent = exponent,
                     .kind = Kind::finite,
                     .negative = x.negative});
}

// ln x = log2 x * ln 2 for a finite x > 0.
ULPSCOPE_HD constexpr Exact<uint64_t> log_value(const Exact<uint64_t>& x) {
  auto y = log2_value(x);
  if (y.kind != Kind::finite) return y;
  const auto product = uint128{y.significand} * detail::ln2_q64;
  const int excess = bit_width(product) > 64 ? bit_width(product) - 64 : 0;
  y.significand = static_cast<uint64_t>(product >> excess);
  y.exponent += excess - 64;
  y.sticky = true;
  return y;
}

}  // namespace ulpscope
