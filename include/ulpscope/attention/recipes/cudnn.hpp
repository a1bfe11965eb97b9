// cuDNN 9.19's attention for Hopper, as PyTorch's cuDNN backend calls it.
//
// Scores are scaled by one product before the maximum; products flush subnormals, going in and
// coming out; lanes sum a tile of their own, which one FMA joins to the old sum; the end multiplies
// by MUFU.RCP. One query row takes a kernel of its own, a row of its own: scores are scaled by two
// products, few keys have smaller tiles, key tiles are dealt round robin to several parts, and the
// terms of the LSE's FMA are the other way round.
//
// The library is closed: every rule is a fit to recordings of an H200 in which the alternatives
// fail, docs/numerics/kernels.md. Not covered: rows that see no key, windows, dropout, bias. Open:
// in the one-row kernel with tiles of 128 keys the order of the row sum, which moves one LSE of
// thirteen by an ulp; the order of the parts' sums; and whether additions and the exponential flush
// too; they are taken to. Held bit for bit, O and LSE, by tests/captured/forward_kernels_test.cpp
// and the random problems of backends_fuzz_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe cudnn_9_19;

}  // namespace ulpscope
