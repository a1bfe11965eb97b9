// 2^x of a whole row, as ex2.approx computes it: the bits of mufu_ex2 and of ex2_approx.
//
//   ex2_row(tables, scores, Flush::both, probabilities);    // ex2.approx.ftz.f32
//
// The interpolation of mufu.hpp, of whose sum only the result's 24 bits are asked, fits 32-bit
// lanes; AVX-512, AVX2, SSE4 and NEON are found when running, other machines go one by one.
//
// `to` may be x. Host only. Tested by tests/hardware/ex2_row_test.cpp.
#pragma once

#include "ulpscope/hardware/binary32_rows.hpp"
#include "ulpscope/hardware/special_functions.hpp"

namespace ulpscope {

// Flush::both: the bare instruction; Flush::none: with what a compiler puts around it for
// subnormal results.
void ex2_row(const MufuTables& tables, Row32 x, Flush flush, std::span<uint32_t> to);

}  // namespace ulpscope
