// The fused multi-term sum over decoded operands: the fast form of fused_sum.hpp.
//
// Operands are decoded once a tile into two arrays of int16, signed significand and exponent, so
// that a step is a 16-lane maximum, 16 products, 16 cuts and a sum. A zero has
// significand 0 and an exponent far below every other, so it needs no test; the accumulator stays
// unpacked from step to step. A chain that meets an infinity or NaN, or overflows, says so and is
// done again by fused_chain on the codes, which is the judge of every bit here.
//
// Limits: significands of up to 12 bits (bf16, fp16, tf32 and every FP8), and
// terms * 2^(fraction_bits + 2) <= 2^31. `fits_lanes` says so.
// Tested by tests/hardware/fused_lanes_test.cpp against fused_chain.
#pragma once

#include "ulpscope/hardware/fused_sum.hpp"

namespace ulpscope {

// Exponent of a zero factor: the sum of two stays above int16's end, the sum of one and any
// real exponent stays below every grid by more than a word.
inline constexpr int16_t zero_lane_exponent = -12000;

ULPSCOPE_HD constexpr bool fits_lanes(const FusedSum& row, const Factors& factors) {
  return precision(factors.a) <= 12 && precision(factors.b) <= 12 &&
         (int64_t{row.terms} << (row.fraction_bits + 2)) <= int64_t{1} << 31;
}

struct Lane {
  int16_t significand;  // signed, unnormalised, trailing bits as fraction
  int16_t exponent;     // of the binade
  bool special;         // infinity or NaN: the lane is meaningless
};

ULPSCOPE_HD constexpr Lane lane(const Format& f, uint64_t bits) {
  const auto x = detail::factor(f, bits);
  if (x.kind != Kind::finite) {
    return {0, zero_lane_exponent, x.kind != Kind::zero};
  }
  const int magnitude = static_cast<int>(x.significand);
  return {static_cast<int16_t>(x.negative ? -magnitude : magnitude),
          static_cast<int16_t>(x.exponent), false};
}

// C between steps: binary32 with the hidden bit in place and its sign apart.
struct LaneAccumulator {
  int64_t significand = 0;  // signed, 23 fraction bits
  int exponent = zero_lane_exponent;
  bool overflow = false;
  bool carry_out = false;  // some step's sum reached the binade above all its terms
};

ULPSCOPE_HD constexpr LaneAccumulator lane_accumulator(uint32_t bits) {  // finite bits
  constexpr Format binary32{.exponent_bits = 8, .trailing_bits = 23, .bias = 127};
  const auto x = detail::factor(binary32, bits);
  if (x.kind != Kind::finite) return {};
  const auto magnitude = static_cast<int64_t>(x.significand);
  return {.significand = x.negative ? -magnitude : magnitude, .exponent = x.exponent};
}

ULPSCOPE_HD constexpr uint32_t accumulator_bits(const LaneAccumulator& c) {
  if (c.significand == 0) return 0;
  const bool negative = c.significand < 0;
  const auto magnitude = static_cast<uint32_t>(negative ? -c.significand : c.significand);
  return (negative ? uint32_t{1} << 31 : 0) + (static_cast<uint32_t>(c.exponent + 126) << 23) +
         magnitude;
}

struct LaneRow {
  const int16_t* significand;
  const int16_t* exponent;
};

// Whether a chain also watches for carries (statistics do; plain runs need not).
enum class Carries { ignore, watch };

// 2^n as a float, -126 <= n <= 127.
ULPSCOPE_HD constexpr float power_of_two(int32_t n) {
  return bit_cast<float>(static_cast<uint32_t>(n + 127) << 23);
}

// One step over exactly `terms` lanes. `product_fraction` is the sum of the factors' trailing bits.
//
// The cut to the grid is written as a float multiplication by a power of two and a conversion
// to int, because compilers turn that, and not a shift by a variable, into vector code for every
// x86. It is exact in every rounding mode and with FTZ or DAZ: a product has at most 24 bits, so
// the conversion to float is exact; the scale is at least 2^-32, so the scaled product is a
// normal float with the same significand; conversion to int truncates by definition. The largest
// cut term is below 2^(fraction_bits + 2), so 16 of them at 25 bits stay inside int32.
template <int terms, Carries carries>
ULPSCOPE_HD constexpr void fused_step(const FusedSum& row, int product_fraction, LaneAccumulator& c,
                                      const int16_t* a_significand, const int16_t* a_exponent,
                                      const int16_t* b_significand, const int16_t* b_exponent) {
  int16_t exponent[terms] = {};
  int16_t highest = static_cast<int16_t>(row.floor_exponent);
#pragma GCC unroll 1
  for (int k = 0; k < terms; ++k) exponent[k] = static_cast<int16_t>(a_exponent[k] + b_exponent[k]);
#pragma GCC unroll 1
  for (int k = 0; k < terms; ++k) highest = exponent[k] > highest ? exponent[k] : highest;
  const int largest = c.exponent > highest ? c.exponent : highest;

  // Scale of a product with exponent `largest`; each step of distance halves it. Beyond 32 the
  // product of at most 24 bits is cut to nothing all the same.
  const auto lead = static_cast<int16_t>(row.fraction_bits - product_fraction);
  int16_t scale[terms] = {};
#pragma GCC unroll 1
  for (int k = 0; k < terms; ++k) {
    const auto wanted = static_cast<int16_t>(lead + exponent[k] - largest);
    scale[k] = wanted < -32 ? int16_t{-32} : wanted;
  }
  int32_t sum32 = 0;
  uint32_t any = 0;  // has the bit width of the largest cut magnitude
#pragma GCC unroll 1
  for (int k = 0; k < terms; ++k) {
    const int32_t product = a_significand[k] * b_significand[k];
    const auto cut = static_cast<int32_t>(static_cast<float>(product) * power_of_two(scale[k]));
    sum32 += cut;
    if constexpr (carries == Carries::watch) {
      const int32_t sign = cut >> 31;
      any |= static_cast<uint32_t>((cut ^ sign) - sign);
    }
  }
  const int c_shift = largest - c.exponent + 23 - row.fraction_bits;
  const int64_t c_sign = c.significand >> 63;
  const int64_t c_magnitude = (c.significand ^ c_sign) - c_sign;
  const int64_t c_cut = c_shift <= 0    ? c_magnitude << -c_shift
                        : c_shift >= 63 ? 0
                                        : c_magnitude >> c_shift;
  const int64_t sum = sum32 + ((c_cut ^ c_sign) - c_sign);

  // Step 5 of fused_sum.hpp, unpacked.
  const int64_t s = sum >> 63;
  const auto total = static_cast<uint64_t>((sum ^ s) - s);
  if constexpr (carries == Carries::watch) {
    const int widest = bit_width(static_cast<uint64_t>(any) | static_cast<uint64_t>(c_cut));
    c.carry_out = c.carry_out || bit_width(total) > widest;
  }
  const int unit = largest - row.fraction_bits;
  const int top = unit + bit_width(total) - 1;
  const int result_exponent = top < -126 ? -126 : top;
  const int shift = result_exponent - row.result_fraction_bits - unit;
  const uint64_t kept = (shift <= 0    ? total << -shift
                         : shift >= 63 ? uint64_t{0}
                                       : total >> shift)
                        << (23 - row.result_fraction_bits);
  c.overflow = c.overflow || (total != 0 && top > 127);
  c.significand = (static_cast<int64_t>(kept) ^ s) - s;
  c.exponent = kept == 0 ? zero_lane_exponent : result_exponent;
}

// A chain over `length` lanes, a multiple of `terms`.
template <int terms, Carries carries>
ULPSCOPE_HD constexpr LaneAccumulator fused_lanes(const FusedSum& row, int product_fraction,
                                                  LaneAccumulator c, LaneRow a, LaneRow b,
                                                  int length) {
  for (int k = 0; k < length; k += terms) {
    fused_step<terms, carries>(row, product_fraction, c, a.significand + k, a.exponent + k,
                               b.significand + k, b.exponent + k);
  }
  return c;
}

}  // namespace ulpscope
