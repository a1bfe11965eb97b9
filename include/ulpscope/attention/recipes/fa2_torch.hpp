// FlashAttention-2 as PyTorch builds and calls it (aten's flash backend), forward.
//
// PyTorch compiles the kernels with UNFUSE_FMA and without fast-math: scores are scaled by a
// product and a difference of their own, exp2f keeps subnormals, 1/l is correctly rounded. The
// compiler still fuses the first addition of a tile into the rescaling of the row sum, and the
// product with the scale into the LSE. Small launches take the split-key kernels with their own
// tiles and a combine kernel (plan.cpp, combine.hpp).
//
// Rules: machine code of the kernels, read in nvcc 13.0's output for sm_90; tile sizes from
// csrc/flash_attn/src/flash_fwd_launch_template.h of Dao-AILab/flash-attention 2.7.4; split rule
// from flash_api.cpp of PyTorch 2.11. Held against an H200 bit for bit, O and LSE:
// tests/captured/fa2_torch_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe fa2_torch;

}  // namespace ulpscope
