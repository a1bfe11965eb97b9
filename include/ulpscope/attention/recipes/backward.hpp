// The backward halves of the kernels' rows.
//
//   fa2      FlashAttention-2 as PyTorch builds it, with and without a fixed order of dQ;
//            _fast_math as the pip package flash-attn does, from source, not recorded
//   memeff   PyTorch's memory-efficient kernels (CUTLASS, sm80), deterministic mode
//   cudnn    cuDNN 9.19; dQ of full attention is an unordered sum, ascending here
//   flex     FlexAttention's Triton template
//   paper    compiled PyTorch code of Qiu & Yao, under the forward's autocast or without one
//
// Sources: the kernels' public sources where there are any, and fits to recordings of an H200 with
// PyTorch 2.11, cuDNN 9.19; docs/numerics/kernels.md says which rules the recordings fix. Held bit
// for bit by tests/captured.
#pragma once

#include "ulpscope/attention/backward_rules.hpp"

namespace ulpscope {

extern const BackwardRules fa2_backward;
extern const BackwardRules fa2_fast_math_backward;
extern const BackwardRules memeff_backward;
extern const BackwardRules cudnn_backward;
extern const BackwardRules flex_backward;
extern const BackwardRules paper_backward;
extern const BackwardRules paper_inside_backward;

}  // namespace ulpscope
