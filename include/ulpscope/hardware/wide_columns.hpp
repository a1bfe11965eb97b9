// The fused multi-term sum for many columns at once where the row's factors are wider than those of
// any tensor core: what-ifs such as probabilities that stay binary32 before P.V.
//
//   fits_wide_columns(sum, {fp32, bf16})                             true
//   add_wide_products(sum, p_row, v, {.block = 0, .count = 2}, keys, sums, marks)
//     -> sums[d] = sums[d] + sum over j of p[j] v[d][j], for 64 features
//
// The step is that of fused_columns.hpp in binary64, which holds a product of 24 by 24 bits, every
// scale and every sum: product, scaling, cut and sum are one instruction each for as many columns
// as a register has lanes of 64 bits. Columns are marked whose result, in some step, is no normal
// binary32 number and not zero; so is what begins with a subnormal, an infinity or NaN. Rows and
// columns with infinities or NaN are the caller's, as there.
//
// Limits: steps of an even number of terms; carries are not watched. Host only, on the instruction
// sets of fused_columns.hpp.
// Tested by tests/hardware/wide_columns_test.cpp against fused_chain.
#pragma once

#include "ulpscope/hardware/fused_columns.hpp"

#include <span>

namespace ulpscope {

bool fits_wide_columns(const FusedSum& row, const Factors& factors);

// As add_products: `length` terms, a multiple of the step's; `marks` has one element a block.
void add_wide_products(const FusedSum& row, const RowTerms& a, const FusedColumns& b,
                       const ColumnRange& range, int64_t length, std::span<uint32_t> sums,
                       std::span<ColumnMarks> marks);

}  // namespace ulpscope
