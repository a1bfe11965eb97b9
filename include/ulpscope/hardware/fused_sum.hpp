// The fused multi-term sum: what one tensor-core step does with C and a handful of products.
//
// D = C + a0*b0 + a1*b1 + ... in one piece: every term is cut to a common grid, the cut terms are
// added exactly, the sum is cut to the result. Nothing is rounded to nearest and no order of the
// products exists inside a step. A chip is a row of five numbers.
//
//   1. Terms keep their significands unnormalised: a product of two numbers in [1, 2) is in
//      [1, 4) with exponent e_a + e_b; a subnormal has its format's smallest exponent.
//   2. M = the largest exponent among the terms that are not zero, at least floor_exponent.
//   3. Every magnitude is truncated to a multiple of 2^(M - fraction_bits).
//   4. The signed integers are added exactly; a zero sum is +0.
//   5. The sum is truncated to result_fraction_bits (binary32: 24 significant bits, or a multiple
//      of 2^-149 below 2^-126). At 2^128 and above it is an infinity.
//   Any NaN, 0 x infinity or infinities of both signs give the NaN 0x7FFFFFFF; otherwise any
//   infinity wins.
//
//   sm90, bf16: C = 1, one product of 2^-25: M = 0, the product is one unit of the grid; the sum
//   1 + 2^-25 is cut to 1. With C = 2^24 the product is cut before the addition.
//
// Sources: Fasi, Higham, Mikaitis, Pranesh 2021 (Numerical behavior of NVIDIA tensor cores);
// Khattak, Mikaitis 2025 (arXiv 2512.07004); Xie et al. 2025 (MMA-Sim, arXiv 2511.10909); for
// sm_90 our own runs on an H200, docs/validation. The fast form is fused_lanes.hpp; this one is
// its judge. Tested by tests/hardware/fused_sum_test.cpp.
#pragma once

#include "ulpscope/round/round_pack.hpp"

namespace ulpscope {

struct FusedSum {
  int terms;                      // products in one step, besides C
  int fraction_bits;              // of the grid, below the largest exponent
  int floor_exponent;             // of the grid's M
  int result_fraction_bits = 23;  // 23: binary32; 13: Hopper's FP8 accumulator, stored as binary32

  friend constexpr bool operator==(const FusedSum&, const FusedSum&) = default;
};

inline constexpr uint32_t fused_sum_nan = 0x7FFF'FFFF;
inline constexpr uint32_t binary32_infinity = 0x7F80'0000;

namespace detail {

// A factor as the tensor core sees it: significand with its format's trailing bits as fraction,
// exponent of its binade (the smallest normal one for subnormals), never normalised.
struct Factor {
  uint64_t significand;
  int exponent;
  Kind kind;
  bool negative;
};

ULPSCOPE_HD constexpr Factor factor(const Format& f, uint64_t bits) {
  const auto x = decode<uint64_t>(f, bits);
  return {x.significand, x.exponent + f.trailing_bits, x.kind, x.negative};
}

// Joins what the special values of all terms amount to.
struct Specials32 {
  bool nan = false;
  bool positive_infinity = false;
  bool negative_infinity = false;

  ULPSCOPE_HD constexpr void add_infinity(bool negative) {
    (negative ? negative_infinity : positive_infinity) = true;
  }
  ULPSCOPE_HD constexpr bool any() const { return nan || positive_infinity || negative_infinity; }
  ULPSCOPE_HD constexpr uint32_t bits() const {
    if (nan || (positive_infinity && negative_infinity)) return fused_sum_nan;
    return binary32_infinity | (negative_infinity ? uint32_t{1} << 31 : 0);
  }
};

// Step 5: the sum of grid units 2^(M - fraction_bits) as binary32 bits.
ULPSCOPE_HD constexpr uint32_t fused_result(const FusedSum& row, int64_t sum, int largest) {
  if (sum == 0) return 0;
  const bool negative = sum < 0;
  const auto magnitude = static_cast<uint64_t>(negative ? -sum : sum);
  const int unit = largest - row.fraction_bits;
  const int top = unit + bit_width(magnitude) - 1;
  constexpr int smallest = -126;
  constexpr int largest_exponent = 127;
  const uint32_t sign = negative ? uint32_t{1} << 31 : 0;
  if (top > largest_exponent) return sign | binary32_infinity;
  const int exponent = top < smallest ? smallest : top;
  const int shift = exponent - row.result_fraction_bits - unit;
  uint64_t kept = shift <= 0 ? magnitude << -shift : shift_right_jam(magnitude, shift).word;
  kept <<= 23 - row.result_fraction_bits;
  const auto field = static_cast<uint32_t>(exponent - smallest);
  return kept == 0 ? 0 : sign | ((field << 23) + static_cast<uint32_t>(kept));
}

}  // namespace detail

// The formats of the two factors of a product. Real instructions take two of one format (or of
// FP8's two); others are what-ifs, such as probabilities kept in binary32.
struct Factors {
  Format a;
  Format b;
};

// One step over n <= row.terms products of codes; C and the result are binary32 bits. Codes are
// any unsigned integer types. n may be smaller than row.terms: missing terms are zero.
template <class CodeA, class CodeB>
ULPSCOPE_HD constexpr uint32_t fused_sum(const FusedSum& row, const Factors& factors, uint32_t c,
                                         const CodeA* a, const CodeB* b, int n) {
  constexpr Format binary32{.exponent_bits = 8, .trailing_bits = 23, .bias = 127};
  const auto addend = detail::factor(binary32, c);
  detail::Specials32 specials;
  if (addend.kind == Kind::nan) specials.nan = true;
  if (addend.kind == Kind::infinity) specials.add_infinity(addend.negative);
  int largest = row.floor_exponent;
  if (addend.kind == Kind::finite && addend.exponent > largest) largest = addend.exponent;
  for (int k = 0; k < n; ++k) {
    const auto x = detail::factor(factors.a, a[k]);
    const auto y = detail::factor(factors.b, b[k]);
    if (x.kind == Kind::nan || y.kind == Kind::nan) specials.nan = true;
    if (x.kind == Kind::infinity || y.kind == Kind::infinity) {
      if (x.kind == Kind::zero || y.kind == Kind::zero) specials.nan = true;
      specials.add_infinity(x.negative != y.negative);
    }
    if (x.kind == Kind::finite && y.kind == Kind::finite && x.exponent + y.exponent > largest) {
      largest = x.exponent + y.exponent;
    }
  }
  if (specials.any()) return specials.bits();

  // A term with `fraction` bits below its binade, cut to the grid.
  const auto on_grid = [&](uint64_t significand, int exponent, int fraction, bool negative) {
    const int shift = largest - exponent + fraction - row.fraction_bits;
    const uint64_t cut =
        shift <= 0 ? significand << -shift : shift_right_jam(significand, shift).word;
    return negative ? -static_cast<int64_t>(cut) : static_cast<int64_t>(cut);
  };
  int64_t sum = addend.kind == Kind::finite
                    ? on_grid(addend.significand, addend.exponent, 23, addend.negative)
                    : 0;
  for (int k = 0; k < n; ++k) {
    const auto x = detail::factor(factors.a, a[k]);
    const auto y = detail::factor(factors.b, b[k]);
    if (x.kind != Kind::finite || y.kind != Kind::finite) continue;
    sum += on_grid(x.significand * y.significand, x.exponent + y.exponent,
                   factors.a.trailing_bits + factors.b.trailing_bits, x.negative != y.negative);
  }
  return detail::fused_result(row, sum, largest);
}

template <class Code>
ULPSCOPE_HD constexpr uint32_t fused_sum(const FusedSum& row, const Format& input, uint32_t c,
                                         const Code* a, const Code* b, int n) {
  return fused_sum(row, Factors{input, input}, c, a, b, n);
}

// A chain of steps along k: D of one step is C of the next, the last may be short.
template <class CodeA, class CodeB>
ULPSCOPE_HD constexpr uint32_t fused_chain(const FusedSum& row, const Factors& factors, uint32_t c,
                                           const CodeA* a, const CodeB* b, int length) {
  for (int k = 0; k < length; k += row.terms) {
    const int n = length - k < row.terms ? length - k : row.terms;
    c = fused_sum(row, factors, c, a + k, b + k, n);
  }
  return c;
}

}  // namespace ulpscope
