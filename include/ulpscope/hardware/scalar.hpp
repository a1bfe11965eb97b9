// binary32 instructions as the chip has them, bits in, bits out: IEEE 754, and what that leaves
// open.
//
//   fadd fmul ffma       one rounding, subnormals kept (no .ftz)
//   fmaximum             a NaN loses against a number; +0 is larger than -0
//   reciprocal           1.0f / x without fast-math: correctly rounded
//   red_add              atomicAdd on global memory: subnormal operands and results become zeros
//   cvt_rn               to a 16-bit format
//
// Every NaN result is 0x7FFFFFFF (in 16 bits 0x7FFF), never an operand's payload:
//
//   fadd(0x7FC01234, 0x3F800000) == 0x7FFFFFFF
//
// Source: cuda/hardware/check_arithmetic.cu and check_conversions.cu, which hold each function
// against an H200, docs/validation. Tested by tests/hardware/scalar_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

inline constexpr uint32_t gpu_nan = 0x7FFF'FFFF;

namespace detail {

inline constexpr uint32_t sign_bit32 = uint32_t{1} << 31;
inline constexpr uint32_t infinity32 = 0x7F80'0000;
inline constexpr uint32_t smallest_normal32 = 0x0080'0000;
inline constexpr uint32_t one32 = 0x3F80'0000;
inline constexpr uint32_t fraction_mask32 = smallest_normal32 - 1;

ULPSCOPE_HD constexpr bool is_nan32(uint32_t x) { return (x & ~sign_bit32) > infinity32; }
ULPSCOPE_HD constexpr bool is_zero32(uint32_t x) { return (x & ~sign_bit32) == 0; }
ULPSCOPE_HD constexpr bool is_negative32(uint32_t x) { return (x & sign_bit32) != 0; }
// |x| < 2^-126: a zero or a subnormal.
ULPSCOPE_HD constexpr bool is_tiny32(uint32_t x) { return (x & ~sign_bit32) < smallest_normal32; }
ULPSCOPE_HD constexpr uint32_t flushed32(uint32_t x) { return is_tiny32(x) ? x & sign_bit32 : x; }

template <Rounding R = nearest_even>
ULPSCOPE_HD constexpr Soft<fp32, R> soft32(uint32_t bits) {
  return Soft<fp32, R>::from_bits(bits);
}
template <Rounding R>
ULPSCOPE_HD constexpr uint32_t gpu_bits(Soft<fp32, R> x) {
  return is_nan32(x.bits()) ? gpu_nan : x.bits();
}

}  // namespace detail

template <Rounding R = nearest_even>
ULPSCOPE_HD constexpr uint32_t fadd(uint32_t x, uint32_t y) {
  return detail::gpu_bits(detail::soft32<R>(x) + detail::soft32<R>(y));
}
template <Rounding R = nearest_even>
ULPSCOPE_HD constexpr uint32_t fmul(uint32_t x, uint32_t y) {
  return detail::gpu_bits(detail::soft32<R>(x) * detail::soft32<R>(y));
}
template <Rounding R = nearest_even>
ULPSCOPE_HD constexpr uint32_t ffma(uint32_t x, uint32_t y, uint32_t z) {
  return detail::gpu_bits(fma(detail::soft32<R>(x), detail::soft32<R>(y), detail::soft32<R>(z)));
}

// The machine code starts from MUFU.RCP and repairs it with FMAs, so the unit leaves no trace.
ULPSCOPE_HD constexpr uint32_t reciprocal(uint32_t x) {
  return detail::gpu_bits(detail::soft32(detail::one32) / detail::soft32(x));
}

// fmaxf.
ULPSCOPE_HD constexpr uint32_t fmaximum(uint32_t x, uint32_t y) {
  if (detail::is_nan32(x)) return detail::is_nan32(y) ? gpu_nan : y;
  if (detail::is_nan32(y)) return x;
  // Negative codes fall as numbers rise; turned over, they order with the positive ones above.
  const auto order = [](uint32_t bits) {
    return (bits & detail::sign_bit32) != 0 ? ~bits : bits | detail::sign_bit32;
  };
  return order(x) > order(y) ? x : y;
}

// What one atomicAdd(float*) leaves in global memory.
ULPSCOPE_HD constexpr uint32_t red_add(uint32_t memory, uint32_t x) {
  return detail::flushed32(fadd(detail::flushed32(memory), detail::flushed32(x)));
}

// cvt.rn from binary32 to a 16-bit format: to nearest even, to infinity beyond the range.
ULPSCOPE_HD constexpr uint16_t cvt_rn(const Format& to, uint32_t x) {
  if (detail::is_nan32(x)) return 0x7FFF;
  constexpr Format from = fp32;
  constexpr Rounding to_nearest_even{};
  return static_cast<uint16_t>(round_pack(to, decode<uint64_t>(from, x), to_nearest_even).bits);
}

}  // namespace ulpscope
