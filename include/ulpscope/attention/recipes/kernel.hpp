// No library's kernel: flash attention as a textbook has it, every step a binary32 operation
// rounded once, tiles and keys in natural order, around the matrix products of a chip.
//
//   s = RN(S scale), the terms of the score, m, P = RN(e^RN(s - m)), l = fma(l, r, P + P + ...),
//   O = O r + P16.V, O RN(1/l), one cast;   LSE = RN(m + RN(ln l))
//
// e^x and ln x are correctly rounded, so nothing of a special function unit is in it. P and dS are
// cast where the matrix products take them. The row to change with --set, and the tiled one that
// takes every term of the score.
// Tested by tests/attention/score_steps_test.cpp, against plain twins.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe kernel_of_binary32;

}  // namespace ulpscope
