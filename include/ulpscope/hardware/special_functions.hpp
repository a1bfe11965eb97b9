// PTX ex2, lg2 and rcp `.approx.f32` without `.ftz`: the unit with full binary32 around it.
//
// The unit flushes, so the assembler scales: ex2 halves an operand below -126 and squares the
// result, lg2 lifts a subnormal by 2^24 and takes 24 off, rcp does the like at both ends. Each
// scaling step is one ordinary rounded operation, and where a result becomes subnormal the last
// one rounds it: ex2_approx(-140.5) is an FMUL's square, rounded to nearest.
//
// nvcc's exp2f(x), without fast-math, is ex2_approx and nothing else.
//
// Source: machine code of nvcc 13.0 for sm_90a, read with nvdisasm; held by all 2^32 operands in
// cuda/hardware/check_special_functions.cu. Tested by tests/hardware/special_functions_test.cpp.
#pragma once

#include "ulpscope/hardware/mufu.hpp"

namespace ulpscope {

namespace detail {

inline constexpr uint32_t two_to_24 = 0x4B80'0000;
inline constexpr uint32_t minus_24 = 0xC1C0'0000;

}  // namespace detail

// ex2.approx.f32, and exp2f: 2^x with subnormal results.
ULPSCOPE_HD constexpr uint32_t ex2_approx(const MufuTables& tables, uint32_t x) {
  constexpr uint32_t minus_126 = 0xC2FC'0000;
  constexpr uint32_t one_half = 0x3F00'0000;
  // Among negative numbers a larger code is a smaller number; NaN codes are not numbers.
  if (!(x > minus_126 && x <= (detail::sign_bit32 | detail::infinity32))) {
    return mufu_ex2(tables, x);
  }
  const uint32_t root = mufu_ex2(tables, fmul(x, one_half));
  return fmul(root, root);
}

// lg2.approx.f32: log2 with subnormal operands.
ULPSCOPE_HD constexpr uint32_t lg2_approx(const MufuTables& tables, uint32_t x) {
  if (!detail::is_tiny32(x)) return mufu_lg2(tables, x);
  return fadd(mufu_lg2(tables, fmul(x, detail::two_to_24)), detail::minus_24);
}

// rcp.approx.f32: 1/x with subnormal operands and results.
ULPSCOPE_HD constexpr uint32_t rcp_approx(const MufuTables& tables, uint32_t x) {
  constexpr uint32_t one_quarter = 0x3E80'0000;
  constexpr uint32_t two_to_126 = 0x7E80'0000;
  const uint32_t magnitude = x & ~detail::sign_bit32;
  if (detail::is_tiny32(x)) {
    return fmul(mufu_rcp(tables, fmul(x, detail::two_to_24)), detail::two_to_24);
  }
  if (magnitude <= two_to_126 || magnitude > detail::infinity32) return mufu_rcp(tables, x);
  return fmul(mufu_rcp(tables, fmul(x, one_quarter)), one_quarter);
}

}  // namespace ulpscope
