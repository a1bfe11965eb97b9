// FlashAttention-2 as flash-attn's own pip package builds it, forward and backward.
//
// The sources are those of fa2-torch, the compiler's flags are not: the package is built with
// --use_fast_math and without UNFUSE_FMA. So the exponent is one FMA, which leaves the largest
// score of a row just beside P = 1; exp2f is MUFU.EX2 and 1 / l is MUFU.RCP; expf and logf of the
// combination are MUFU.EX2 and MUFU.LG2 with a product, of which the last fuses with the sum after
// it; and binary32 instructions flush. Tensor cores, casts to 16 bits and PyTorch's own sum over a
// group of heads flush nothing.
//
//   fa2-torch  P = ex2(RN(RN(S c) - RN(m c)))      fa2-pip  P = ex2(fma(S, c, -RN(m c)))
//
// From source, not recorded: tiles, split rule and steps are read in the package's sources, what
// becomes of them in nvcc 13.0's machine code for sm_90 of the same expressions. No output of the
// package was held against this row, and its wheels come from other compilers than nvcc 13.0.
//
// Packed sequences are never split (--parts 1) but for one query row of grouped heads, which the
// library splits by the longest sequence: --parts N. Not covered: dropout, soft cap, ALiBi, paged
// keys. Tested by tests/attention/fa2_pip_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe fa2_pip;

}  // namespace ulpscope
