// The fused multi-term sum in plain binary32 arithmetic, one chain at a time: the step of
// fused_columns.hpp for processors whose lanes are threads, GPUs.
//
//   FloatGrid grid = float_grid(sum);
//   const float scale = grid_scale(grid, largest, outside);    // 2^(F - M)
//   int32_t total = cut_to_grid(c * scale) + cut_to_grid(a b * scale) + ...
//   c = float_result(grid, total, scale, outside);
//
// A product of two factors of 12 bits is exact in binary32, a power of two changes no significand,
// and a conversion to an integer toward zero is the cut. What binary32's grids do not reach, a sum
// that leaves 31 bits, infinities and NaN set `outside`: such a chain is done again by fused_chain.
// docs/numerics/fused_sum.md has the argument, and the bounds.
//
// Limits: fits_floats. On the host the arithmetic must round toward zero while a chain runs, which
// is what the device's instructions do by themselves.
// Tested by tests/hardware/fused_floats_test.cpp and, on the chip, by docs/validation.
#pragma once

#include "ulpscope/hardware/fused_lanes.hpp"

namespace ulpscope {

struct FloatGrid {
  int fraction_bits;
  int lowest;    // M below it is outside, unless nothing but zeros is added
  int highest;   // and so is M above it
  int smallest;  // M counts as at least this
  uint32_t result_mask;
  float largest_sum;
};

ULPSCOPE_HD constexpr FloatGrid float_grid(const FusedSum& row) {
  // Grids are multiples of the smallest normal number, so that products below it are cut to
  // nothing.
  const int first = row.fraction_bits - 126;
  // A product stays finite, and so does a sum of 31 bits.
  const int last = 97 + row.fraction_bits < 125 ? 97 + row.fraction_bits : 125;
  const uint32_t inside = (uint32_t{1} << 31) - (uint32_t{1} << (row.fraction_bits + 1)) - 1;
  return {.fraction_bits = row.fraction_bits,
          .lowest = row.floor_exponent >= first ? -1000 : first,
          .highest = last,
          .smallest = row.floor_exponent >= first ? row.floor_exponent : first,
          .result_mask = ~uint32_t{0} << (23 - row.result_fraction_bits),
          // inside lies in [2^30, 2^31), cut to 24 bits
          .largest_sum = bit_cast<float>((uint32_t{127 + 29} << 23) + (inside >> 7))};
}

ULPSCOPE_HD constexpr bool fits_floats(const FusedSum& row, const Factors& factors) {
  const auto within_binary32 = [](const Format& f) {
    const int emax = static_cast<int>(largest_finite_bits(f) >> f.trailing_bits) - f.bias;
    return emin(f) >= -126 && emax <= 127;
  };
  return fits_lanes(row, factors) && row.terms % 4 == 0 && row.terms <= 32 &&
         row.result_fraction_bits <= 23 && within_binary32(factors.a) && within_binary32(factors.b);
}

// Exponents of two terms side by side, and the larger of each with the sums of two such pairs.
ULPSCOPE_HD inline uint32_t larger_sums(uint32_t a, uint32_t b, uint32_t so_far) {
#if defined(__CUDA_ARCH__)
  return __viaddmax_s16x2(a, b, so_far);
#else
  const auto half = [&](int shift) {
    const auto of = [&](uint32_t x) { return static_cast<int16_t>(x >> shift & 0xFFFF); };
    const int sum = of(a) + of(b);
    const int larger = sum > of(so_far) ? sum : of(so_far);
    return (static_cast<uint32_t>(larger) & 0xFFFF) << shift;
  };
  return half(0) | half(16);
#endif
}

// Where a step begins: two exponents below those of all terms, zeros too.
inline constexpr uint32_t lowest_exponents = 0x8000'8000;

// M of a step: of the largest exponents of its products, and C.
ULPSCOPE_HD inline int largest_exponent(uint32_t products, float c) {
  const int low = static_cast<int16_t>(products & 0xFFFF);
  const int high = static_cast<int16_t>(products >> 16);
  const auto bits = bit_cast<uint32_t>(c);
  const int field = static_cast<int>(bits >> 23 & 0xFF);
  // A subnormal C has the exponent of the smallest normal number.
  const int of_c = field != 0 ? field - 127 : bits << 1 != 0 ? -126 : zero_lane_exponent;
  const int larger = low > high ? low : high;
  return larger > of_c ? larger : of_c;
}

// 2^(F - M), and whether this grid is one that binary32 has.
ULPSCOPE_HD inline float grid_scale(const FloatGrid& grid, int largest, bool& outside) {
  constexpr int only_zeros = -10000;
  outside = outside || largest > grid.highest || (largest < grid.lowest && largest > only_zeros);
  const int m = largest > grid.smallest ? largest : grid.smallest;
  return bit_cast<float>(static_cast<uint32_t>(127 + grid.fraction_bits - m) << 23);
}

// x y toward zero.
ULPSCOPE_HD inline float product_toward_zero(float x, float y) {
#if defined(__CUDA_ARCH__)
  return __fmul_rz(x, y);
#else
  return x * y;
#endif
}

// A term in units of the grid, unsigned so that sums may wrap.
ULPSCOPE_HD inline uint32_t cut_to_grid(float scaled) {
#if defined(__CUDA_ARCH__)
  return static_cast<uint32_t>(__float2int_rz(scaled));
#else
  const bool fits = scaled > -0x1p31F && scaled < 0x1p31F;  // others are outside
  return static_cast<uint32_t>(fits ? static_cast<int32_t>(scaled) : 0);
#endif
}

// The sum of a step as the C of the next.
ULPSCOPE_HD inline float float_result(const FloatGrid& grid, uint32_t total, float scale,
                                      bool& outside) {
  constexpr uint32_t one_over = 254U << 23;
  const auto sum = static_cast<int32_t>(total);
#if defined(__CUDA_ARCH__)
  const float number = __int2float_rz(sum);
#else
  const auto number = static_cast<float>(sum);
#endif
  const float magnitude = bit_cast<float>(bit_cast<uint32_t>(number) & 0x7FFF'FFFF);
  outside = outside || magnitude > grid.largest_sum;
  const float unit = bit_cast<float>(one_over - bit_cast<uint32_t>(scale));
  return bit_cast<float>(bit_cast<uint32_t>(product_toward_zero(number, unit)) & grid.result_mask);
}

}  // namespace ulpscope
