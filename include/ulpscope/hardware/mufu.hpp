// The special function unit (MUFU): ex2, lg2 and rcp as the chip computes them, bit for bit.
//
// Each is one quadratic per table row, in fixed point, and never rounded to nearest. The top bits
// of a 23-bit fraction choose a row, the rest are x:
//
//   sum = c0 + bias +- c1 * x +- c2 * square(x),   then truncated to 23 fraction bits
//
// where `square` is a squarer with its 19 lowest columns left out. So results lie low or high by
// what a row's fit and the fixed bias leave: ex2 of a negative non-integer is low by 0.6 ulp on
// average, while ex2(0) is exactly 1. docs/numerics/mufu.md has the derivation and the measured
// errors.
//
//   mufu_ex2(tables, 0x3F800000) == 0x40000000         (ex2(1) = 2)
//   mufu_ex2(tables, 0xBF800000) == 0x3F000000         (ex2(-1) = 0.5)
//
// These are the bare instructions, which take subnormal operands as zero and flush subnormal
// results; special_functions.hpp has what a compiler puts around them for full binary32. Tables
// are an argument: profiles/mufu_sm90.hpp holds those of an H200, and a kernel takes them as a
// parameter, since a namespace-scope table does not exist in device code.
//
// Sources of the structure: Oberman, Siu 2005 (A high-performance area-efficient multifunction
// interpolator); Pineiro, Oberman, Muller, Bruguera 2005 (High-speed function approximation using
// a minimax quadratic interpolator); its widths on older chips: ptx-math (Carlet). That they hold
// on sm_90: by fitting every row to a chip and by all 2^32 operands, docs/validation.
// Tested by tests/hardware/mufu_test.cpp and cuda/hardware/check_special_functions.cu.
#pragma once

#include "ulpscope/hardware/scalar.hpp"

namespace ulpscope {

// The fixed-point layout of one function's quadratic. The sum has 46 + c2_fraction_bits fraction
// bits, those of c2 * square(x) with x in units of 2^-23.
struct Interpolator {
  int row_bits;  // of the 23-bit fraction; the table has 2^row_bits rows
  int c0_fraction_bits;
  int c1_fraction_bits;
  int c2_fraction_bits;
  int c1_sign;
  int c2_sign;

  friend constexpr bool operator==(const Interpolator&, const Interpolator&) = default;
};

inline constexpr Interpolator ex2_interpolator{6, 25, 15, 11, +1, +1};
inline constexpr Interpolator lg2_interpolator{6, 26, 15, 10, +1, -1};
inline constexpr Interpolator rcp_interpolator{7, 26, 16, 10, -1, +1};

ULPSCOPE_HD constexpr int sum_fraction_bits(const Interpolator& shape) {
  return 46 + shape.c2_fraction_bits;
}

// Magnitudes; the signs are the interpolator's.
struct MufuRow {
  uint32_t c0;
  uint32_t c1;
  uint32_t c2;
};

template <int rows>
struct MufuTable {
  MufuRow row[rows];
  int64_t bias;  // in units of the sum
};

struct MufuTables {
  MufuTable<64> ex2;
  MufuTable<64> lg2;
  MufuTable<128> rcp;
};

namespace detail {

// The square of a 17-bit x without the partial products of columns 0 to 18, in units of 2^19.
// Column of x_i alone: 2i; of the pair x_i, x_j: i + j + 1. With x = high * 2^9 + low all of
// low^2 is dropped, of high^2 only bit 0 (column 18), and of 2 * high * low each row i of low
// keeps the pairs with i + j >= 18.
ULPSCOPE_HD constexpr uint32_t truncated_square(uint32_t x) {
  const uint32_t high = x >> 9;
  uint32_t kept = (high * high) >> 1;
  for (int i = 1; i <= 8; ++i) kept += (0 - ((x >> i) & 1)) & (high >> (9 - i));
  return kept;
}

// c1 * x + c2 * square(x) with their signs: what one row adds to c0 and bias. x is the fraction
// without its row bits; the squarer takes 17 bits, so a shorter x is squared after a shift up.
template <Interpolator shape>
ULPSCOPE_HD constexpr int64_t quadratic_terms(uint32_t c1, uint32_t c2, uint32_t x) {
  constexpr int up = 17 - (23 - shape.row_bits);
  constexpr int c1_shift = sum_fraction_bits(shape) - 23 - shape.c1_fraction_bits;
  const auto linear = static_cast<int64_t>(uint64_t{c1} * x) << c1_shift;
  const auto square = static_cast<int64_t>(uint64_t{c2} * truncated_square(x << up))
                      << (19 - 2 * up);
  return shape.c1_sign * linear + shape.c2_sign * square;
}

// The whole sum for a 23-bit fraction.
template <Interpolator shape, int rows>
ULPSCOPE_HD constexpr int64_t interpolate(const MufuTable<rows>& table, uint32_t fraction) {
  static_assert(rows == 1 << shape.row_bits);
  constexpr int x_bits = 23 - shape.row_bits;
  const MufuRow& row = table.row[fraction >> x_bits];
  const auto c0 = static_cast<int64_t>(row.c0)
                  << (sum_fraction_bits(shape) - shape.c0_fraction_bits);
  return c0 + table.bias +
         quadratic_terms<shape>(row.c1, row.c2, fraction & low_mask<uint32_t>(x_bits));
}

}  // namespace detail

// MUFU.EX2, PTX ex2.approx.ftz.f32: binary32 bits in, bits of 2^x out.
//
// x is cut to 23 fraction bits. The fraction of a negative x is complemented bit by bit, which
// makes it 2^-23 short of 1 - f: the reason why ex2 is low for negative arguments.
ULPSCOPE_HD constexpr uint32_t mufu_ex2(const MufuTables& tables, uint32_t x) {
  const bool negative = (x & detail::sign_bit32) != 0;
  const uint32_t magnitude = x & ~detail::sign_bit32;
  if (magnitude > detail::infinity32) return gpu_nan;
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  constexpr int beyond_every_result = 8;  // |x| >= 2^8
  if (exponent >= beyond_every_result) return negative ? 0 : detail::infinity32;
  if (exponent < -23) return detail::one32;  // no fraction bit is left; subnormals and zeros too
  const uint32_t significand = (magnitude & detail::fraction_mask32) | (uint32_t{1} << 23);
  const uint32_t fixed = exponent >= 0 ? significand << exponent : significand >> -exponent;
  int whole = static_cast<int>(fixed >> 23);
  uint32_t fraction = fixed & detail::fraction_mask32;
  if (negative) {
    whole = -whole;
    if (fraction != 0) {
      whole -= 1;
      fraction ^= detail::fraction_mask32;
    }
  }
  if (whole > 127) return detail::infinity32;
  if (whole < -126) return 0;
  const int64_t sum = detail::interpolate<ex2_interpolator>(tables.ex2, fraction);
  constexpr int cut = sum_fraction_bits(ex2_interpolator) - 23;
  // The sum is in [1, 2): its integer bit completes the exponent field.
  return (static_cast<uint32_t>(whole + 126) << 23) + static_cast<uint32_t>(sum >> cut);
}

// MUFU.LG2, PTX lg2.approx.ftz.f32: log2 of x. The exponent joins the sum in fixed point, so the
// result is absolute, not relative: below 2^-36 there is nothing. Only x = 1 is set apart.
ULPSCOPE_HD constexpr uint32_t mufu_lg2(const MufuTables& tables, uint32_t x) {
  const uint32_t magnitude = x & ~detail::sign_bit32;
  if (magnitude > detail::infinity32) return gpu_nan;
  if (magnitude >> 23 == 0) return detail::sign_bit32 | detail::infinity32;
  if (x != magnitude) return gpu_nan;
  if (x == detail::infinity32) return x;
  if (x == detail::one32) return 0;
  constexpr int bits = sum_fraction_bits(lg2_interpolator);
  constexpr int lost_bits = 20;
  const int64_t exponent = static_cast<int64_t>(x >> 23) - 127;
  const int64_t sum =
      exponent * (int64_t{1} << bits) +
      detail::interpolate<lg2_interpolator>(tables.lg2, x & detail::fraction_mask32);
  const bool negative = sum < 0;
  // A negative sum is turned by complementing its bits, one unit short of its magnitude.
  const auto kept = static_cast<uint64_t>(negative ? ~sum : sum) & ~low_mask<uint64_t>(lost_bits);
  if (kept == 0) return 0;
  const int top = bit_width(kept) - 1;
  const auto significand =
      static_cast<uint32_t>(top >= 23 ? kept >> (top - 23) : kept << (23 - top));
  return (negative ? detail::sign_bit32 : 0) + (static_cast<uint32_t>(top - bits + 126) << 23) +
         significand;
}

// MUFU.RCP, PTX rcp.approx.ftz.f32: 1/x.
ULPSCOPE_HD constexpr uint32_t mufu_rcp(const MufuTables& tables, uint32_t x) {
  const uint32_t sign = x & detail::sign_bit32;
  const uint32_t magnitude = x ^ sign;
  if (magnitude > detail::infinity32) return gpu_nan;
  if (magnitude == detail::infinity32) return sign;
  const auto field = static_cast<int>(magnitude >> 23);
  if (field == 0) return sign | detail::infinity32;
  const int64_t sum =
      detail::interpolate<rcp_interpolator>(tables.rcp, x & detail::fraction_mask32);
  // 1/m is in (1/2, 1]; 1 only for m = 1.
  constexpr int bits = sum_fraction_bits(rcp_interpolator);
  const bool below_one = sum >> bits == 0;
  const int result_field = 254 - field - (below_one ? 1 : 0);
  if (result_field <= 0) return sign;
  const int64_t significand = sum >> (bits - 23 - (below_one ? 1 : 0));
  return sign |
         ((static_cast<uint32_t>(result_field - 1) << 23) + static_cast<uint32_t>(significand));
}

}  // namespace ulpscope
