// FlexAttention's Triton template, compiled by PyTorch 2.11 in its default configuration.
//
// Scores are scaled by two products before the maximum; the second one and the difference are one
// FMA where the compiler sees that nothing is hidden (ExponentContraction). The tile's sum is
// joined in every tile, the end multiplies by MUFU.RCP, the LSE is made in base 2. A mask is a list
// of 128 x 128 blocks: a row visits its partial blocks first, then its full ones. Causal masks and
// windows compare indices of queries and keys, so the diagonal starts at the top left.
//
// Rules: the public template, and fits to an H200, docs/numerics/kernels.md. Not covered: score
// modifications, other mask blocks, short queries (a decoding kernel of its own), autotuned tiles;
// head sizes below 64 were not recorded. Held bit for bit, O and LSE, by
// tests/captured/forward_kernels_test.cpp (no mask) and by the naive twin (masks).
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe flex_triton;

}  // namespace ulpscope
