// PyTorch's memory-efficient attention (fused CUTLASS kernels for sm80, as they run on Hopper).
//
// Both products use the k = 8 instruction. Scores are scaled by two products before the maximum,
// nothing is contracted in the softmax and nothing flushed. Old sums are brought down only in tiles
// where the maximum rose; P is added up in groups of 32 columns, one a warp. Heads above 128 keep O
// in memory, updated once a tile.
//
// Rules: PyTorch's public sources and fits to an H200 with PyTorch 2.11, docs/numerics/kernels.md.
// Not covered: dropout, bias, variable lengths, binary32 inputs, rows that see no key. Held bit for
// bit, O and LSE, by tests/captured/forward_kernels_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe memeff_torch;

}  // namespace ulpscope
