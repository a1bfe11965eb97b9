// PTX's conversions between floating-point formats, as values: format, direction, what is clamped.
//
//   convert(cvt(e4m3fn, saturating(nearest_even)), binary32 bits of 500) == 0x7E, which is 448
//
// Every NaN result is all ones with the sign clear, whatever came in; .relu makes negative
// numbers and -0 a +0 and leaves NaN, .sat cuts to [0, 1] and makes NaN a 0. A subnormal result is
// a number like any other. A tf32 code stands in the 19 upper bits of a 32-bit register, the others
// zero.
//
// cvt.rna.tf32 is the exception: it drops a NaN's low bits, so that 0x7F800001 becomes an infinity,
// and .satfinite then takes one from every code with the highest exponent. Right for infinity,
// whose neighbour is the largest number; a NaN becomes another NaN, 0x7FC00000 the signalling
// 0x7FBFE000, and 0x7F800001 the largest number.
//
// Sources: PTX ISA, cvt; cuda/hardware/check_conversions.cu holds every form that sm_90a has
// against an H200, over all operands: docs/validation.
// Tested by tests/hardware/conversions_test.cpp.
#pragma once

#include "ulpscope/hardware/scalar.hpp"

namespace ulpscope {

// What a suffix cuts off, beside the overflow that is the rounding's (.satfinite).
enum class Clamp : uint8_t {
  none,
  negatives,  // .relu
  to_unit,    // .sat
};

// What a NaN becomes.
enum class NanCode : uint8_t {
  all_ones,
  cut,  // its upper bits; one less where the conversion saturates
};

struct Conversion {
  Format from;
  Format to;
  Rounding rounding;
  Clamp clamp = Clamp::none;
  NanCode nan = NanCode::all_ones;
};

// From binary32.
ULPSCOPE_HD constexpr Conversion cvt(const Format& to, Rounding rounding,
                                     Clamp clamp = Clamp::none) {
  rounding.policy.nan = NanRule::all_ones;
  return {.from = fp32, .to = to, .rounding = rounding, .clamp = clamp};
}

// The same from another format.
ULPSCOPE_HD constexpr Conversion cvt_from(const Format& from, Conversion c) {
  c.from = from;
  return c;
}

// cvt.rna.tf32, to which `overflow` is standard or saturate.
ULPSCOPE_HD constexpr Conversion cvt_rna_tf32(Overflow overflow) {
  Rounding rounding = nearest_away;
  rounding.policy.overflow = overflow;
  return {.from = fp32, .to = tf32, .rounding = rounding, .nan = NanCode::cut};
}

namespace detail {

ULPSCOPE_HD constexpr uint32_t cut_nan(const Conversion& c, uint32_t x) {
  const uint32_t upper = x >> (c.from.trailing_bits - c.to.trailing_bits);
  return c.rounding.policy.overflow == Overflow::saturate ? upper - 1 : upper;
}

}  // namespace detail

// Codes in, codes out.
ULPSCOPE_HD constexpr uint32_t convert(const Conversion& c, uint32_t x) {
  const bool negative = (x & static_cast<uint32_t>(sign_mask(c.from))) != 0;
  const bool nan = is_nan(c.from, uint64_t{x});
  if (nan && c.nan == NanCode::cut) return detail::cut_nan(c, x);
  if (c.clamp != Clamp::none && negative && !nan) return 0;
  if (c.clamp == Clamp::to_unit) {
    if (nan) return 0;
    const auto one_in = static_cast<uint32_t>(c.from.bias) << c.from.trailing_bits;
    if (x > one_in) return static_cast<uint32_t>(c.to.bias) << c.to.trailing_bits;
  }
  return static_cast<uint32_t>(round_pack(c.to, decode<uint64_t>(c.from, x), c.rounding).bits);
}

ULPSCOPE_HD constexpr uint32_t tf32_register(uint32_t code) {
  return code << (fp32.trailing_bits - tf32.trailing_bits);
}

}  // namespace ulpscope
