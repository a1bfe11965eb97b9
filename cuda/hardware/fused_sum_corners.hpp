// Vectors that tell one model of the fused sum from another, each a question and what answers it.
//
// A vector is up to sixteen products and C for one output, all other products zero. `expected` is
// the answer of the model in hardware/fused_sum.hpp, worked out by hand, in binary32 bits; the
// comment says what the rejected rule would give. Included by check_fused_sums.cu (host code).
#pragma once

#include "ulpscope/arith/soft.hpp"

#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

namespace ulpscope::cuda {

struct Product {
  uint32_t a;
  uint32_t b;
};

struct Corner {
  std::string question;
  std::vector<Product> products;
  uint32_t c;
  uint32_t expected;
};

// 2^n, or -2^n, as a code of F; exact in every use below.
template <Format F>
uint32_t power(int n, double sign = 1.0) {
  return static_cast<uint32_t>(Soft<F>(std::ldexp(sign, n)).bits());
}
inline uint32_t single(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

inline constexpr uint32_t minus_zero = 0x8000'0000;
inline constexpr uint32_t infinity = 0x7F80'0000;
inline constexpr uint32_t nan_result = 0x7FFF'FFFF;

// Questions that every input format answers.
template <Format F>
std::vector<Corner> common_corners(size_t terms) {
  const auto p = [](int n, double sign = 1.0) { return power<F>(n, sign); };
  const uint32_t zero = 0;
  const auto negative_zero = static_cast<uint32_t>(sign_mask(F));
  const auto inf = static_cast<uint32_t>(infinity_bits(F));
  const uint32_t quiet_nan = inf | 1u << (F.trailing_bits - 1) | 1u;
  const uint32_t signalling_nan = negative_zero | inf | 1u;
  const uint32_t one_half_more = p(0) | 1u << (F.trailing_bits - 1);  // 1.5
  return {
      // A zero factor with the format's smallest exponent would raise the grid and give 0.
      {"zero times a large number leaves the grid alone",
       {{zero, p(15)}, {p(-10), p(0)}, {p(-10, -1), p(0)}, {p(-15), p(-15)}},
       0,
       single(0x1p-30)},
      {"a product in [2, 4) has the exponent of its factors",  // else 2.25
       {{one_half_more, one_half_more}, {p(-12, -1), p(-13)}},
       0,
       single(2.25 - 0x1p-22)},
      {"the lowest bit kept is 2^-25 of the largest",  // 24 bits: 1
       {{p(0), p(0)}, {p(-12), p(-13)}, {p(-12), p(-13)}, {p(-12), p(-13)}, {p(-12), p(-13)}},
       0,
       single(1 + 0x1p-23)},
      {"2^-26 of the largest is dropped, four times",  // 26 bits: 1 + 2^-23
       {{p(0), p(0)}, {p(-13), p(-13)}, {p(-13), p(-13)}, {p(-13), p(-13)}, {p(-13), p(-13)}},
       single(0x1p-24),
       single(1)},
      {"-2^-26 of the largest is dropped, not borrowed",  // exact: 1 - 2^-24
       {{p(0), p(0)}, {p(-13, -1), p(-13)}},
       0,
       single(1)},
      {"-0 times -0 and C = -0", {{negative_zero, negative_zero}}, minus_zero, 0},
      {"all products -0 and C = -0", std::vector<Product>(terms, Product{negative_zero, p(0)}),
       minus_zero, 0},
      {"C = -0 alone", {}, minus_zero, 0},
      {"1 - 1", {{p(0), p(0)}, {p(0, -1), p(0)}}, 0, 0},
      {"1 - 1 and C = -0", {{p(0), p(0)}, {p(0, -1), p(0)}}, minus_zero, 0},
      {"C alone comes back", {}, 0xC2F6'E979, 0xC2F6'E979},
      {"the smallest C alone comes back", {}, 0x8000'0001, 0x8000'0001},
      {"the largest C alone comes back", {}, 0x7F7F'FFFF, 0x7F7F'FFFF},
      {"infinity times zero", {{inf, zero}}, 0, nan_result},
      {"infinity - infinity", {{inf, p(0)}, {inf, p(0, -1)}}, 0, nan_result},
      {"infinity - C = infinity", {{inf, p(0, -1)}}, infinity, nan_result},
      {"infinity", {{inf, p(0)}}, single(-1), infinity},
      {"-infinity", {{inf, p(0, -1)}}, single(1), minus_zero | infinity},
      {"C = -infinity", {{p(0), p(0)}}, minus_zero | infinity, minus_zero | infinity},
      {"a quiet NaN factor", {{quiet_nan, p(0)}}, 0, nan_result},
      {"a negative signalling NaN factor", {{p(0), signalling_nan}}, 0, nan_result},
      {"C = negative NaN with payload", {{p(0), p(0)}}, 0xFFC1'2345, nan_result},
      {"NaN beside infinity", {{quiet_nan, p(0)}, {inf, p(0)}}, infinity, nan_result},
  };
}

// What a k16 shape alone can answer.
template <Format F>
std::vector<Corner> k16_corners() {
  const auto p = [](int n) { return power<F>(n); };
  std::vector<Product> halves(16, Product{0, 0});
  halves[0] = {p(0), p(0)};
  halves[1] = {p(-12), p(-12)};
  halves[8] = {p(-12), p(-12)};
  const auto largest = static_cast<uint32_t>(p(0) | trailing_mask(F));
  const double product = std::pow(2 - std::ldexp(1.0, -F.trailing_bits), 2);
  // 16 products just below 4 and C just below 2 exceed 64: seven integer bits above the grid, and
  // 17 fraction bits in the result.
  const double sum = 16 * product + (2 - 0x1p-23);
  const double result = std::ldexp(std::floor(std::ldexp(sum, 17)), -17);
  return {
      {"k16 is one sum, not two of k8", halves, 0, single(1 + 0x1p-23)},  // two: 1
      {"all factors and C largest in their binade", std::vector<Product>(16, {largest, largest}),
       0x3FFF'FFFF, single(result)},
  };
}

// What needs binary32's exponent range in the factors (bf16 and tf32).
template <Format F>
std::vector<Corner> wide_corners() {
  const auto p = [](int n, double sign = 1.0) { return power<F>(n, sign); };
  const int tiny = smallest_positive_exponent(F);
  const auto minus_step = [](int n) { return single(std::ldexp(1.0, n) - 0x1p-149); };
  return {
      // A floor of -126 on the largest exponent would give the first product itself.
      {"floor below -126", {{p(-63), p(-64)}, {p(-76, -1), p(-76)}}, 0, minus_step(-127)},
      {"floor below -129", {{p(-65), p(-65)}, {p(-77, -1), p(-78)}}, 0, minus_step(-130)},
      {"floor at or below -133", {{p(-66), p(-67)}, {p(-79, -1), p(-79)}}, 0, minus_step(-133)},
      {"floor at or above -133", {{p(-67), p(-67)}, {p(-79, -1), p(-80)}}, 0, single(0x1p-134)},
      {"zero times 2^126",
       {{0, p(126)}, {p(-10), p(0)}, {p(-10, -1), p(0)}, {p(-15), p(-15)}},
       0,
       single(0x1p-30)},
      // Normalised, it would lower the largest exponent from 1 and let -2^-31 count.
      {"a subnormal factor has the smallest exponent",
       {{p(tiny), p(127)}, {p(-12, -1), p(-19)}},
       0,
       single(std::ldexp(1.0, tiny + 127))},
      {"a subnormal C has exponent -126",
       {{p(-79, -1), p(-79)}},
       single(0x1p-140),
       single(0x1p-140)},
      {"a result below 2^-149 is cut to zero", {{p(-75), p(-75)}}, 0, 0},
      {"a negative result below 2^-149", {{p(-75, -1), p(-75)}}, 0, 0},
      {"2^127 + 2^127", {{p(64), p(63)}}, single(0x1p127), infinity},
      {"-2^127 - 2^127", {{p(64, -1), p(63)}}, single(-0x1p127), minus_zero | infinity},
      {"largest + half of its last place", {{p(51), p(52)}}, 0x7F7F'FFFF, 0x7F7F'FFFF},
      {"largest + its last place", {{p(52), p(52)}}, 0x7F7F'FFFF, infinity},
      {"products of 2^128 that nearly cancel",
       {{p(64), p(64)}, {p(64, -1), static_cast<uint32_t>(p(63) | trailing_mask(F))}},
       0,
       single(std::ldexp(1.0, 127 - F.trailing_bits))},
      {"2^200 - 2^200 + 1", {{p(100), p(100)}, {p(100, -1), p(100)}, {p(0), p(0)}}, 0, 0},
      {"2^200", {{p(100), p(100)}}, 0, infinity},
  };
}

// Of the 8-bit formats, whose grid and accumulator have 13 fraction bits.
template <Format F>
std::vector<Corner> narrow_corners() {
  const auto p = [](int n, double sign = 1.0) { return power<F>(n, sign); };
  const Product lowest{p(-6), p(-7)};  // 2^-13
  const Product below{p(-7), p(-7)};   // 2^-14
  const Product below_zero{p(-7, -1), p(-7)};
  const auto nan = static_cast<uint32_t>(magnitude_mask(F));
  std::vector<Product> halves(32, Product{0, 0});
  halves[0] = halves[1] = {p(0), p(0)};
  halves[2] = halves[16] = lowest;
  const auto tiny = smallest_positive_exponent(F);
  std::vector<Corner> all{
      {"the lowest bit kept is 2^-13 of the largest",
       {{p(0), p(0)}, lowest},
       0,
       single(1 + 0x1p-13)},
      {"2^-14 of the largest is dropped, four times",  // 14 bits: 1 + 2^-12
       {{p(0), p(0)}, below, below, below, below},
       0,
       single(1)},
      {"-2^-14 of the largest is dropped, not borrowed", {{p(0), p(0)}, below_zero}, 0, single(1)},
      {"C beside products is cut to its 13th bit", {{p(0), p(0)}}, single(1 + 0x1p-14), single(2)},
      {"C alone is cut to its 13th bit", {}, single(-1 - 0x1p-13 - 0x1p-14), single(-1 - 0x1p-13)},
      {"k32 is one sum, not two of k16",  // two: 2
       halves, 0, single(2 + 0x1p-12)},
      {"a carry costs the sum its lowest bit", {{p(0), p(0)}, {p(0), p(0)}, lowest}, 0, single(2)},
      {"a product of subnormals", {{p(tiny), p(tiny)}}, 0, single(std::ldexp(1.0, 2 * tiny))},
      {"all products -0 and C = -0",
       std::vector<Product>(32, Product{static_cast<uint32_t>(sign_mask(F)), p(0)}), minus_zero, 0},
      {"1 - 1 and C = -0", {{p(0), p(0)}, {p(0, -1), p(0)}}, minus_zero, 0},
      {"a NaN factor", {{nan, p(0)}}, 0, nan_result},
      {"a NaN factor times zero", {{p(0), p(0)}, {nan, 0}}, 0, nan_result},
      {"C = infinity", {{p(0), p(0)}}, infinity, infinity},
      {"C = negative NaN with payload", {{p(0), p(0)}}, 0xFFC1'2345, nan_result},
  };
  if (has_infinity(F)) {
    const auto inf = static_cast<uint32_t>(infinity_bits(F));
    all.push_back({"infinity times zero", {{inf, 0}}, 0, nan_result});
    all.push_back({"infinity - infinity", {{inf, p(0)}, {inf, p(0, -1)}}, 0, nan_result});
    all.push_back({"-infinity", {{inf, p(0, -1)}}, single(1), minus_zero | infinity});
  }
  return all;
}

template <Format F>
std::vector<Corner> corners(int k) {
  if (k == 32) return narrow_corners<F>();
  auto all = common_corners<F>(static_cast<size_t>(k));
  const auto append = [&](std::vector<Corner> more) {
    for (Corner& corner : more) all.push_back(std::move(corner));
  };
  if (k == 16) append(k16_corners<F>());
  if (F.exponent_bits == 8) append(wide_corners<F>());
  return all;
}

}  // namespace ulpscope::cuda
