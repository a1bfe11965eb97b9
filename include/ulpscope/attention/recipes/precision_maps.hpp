// Precision maps of papers, as kernels: the textbook's flash attention (kernel.hpp) with other
// roundings. They separate what a real kernel mixes.
//
//   paper-pv   one rounding to 16 bits, of the unnormalised P.V; all else binary32, products exact.
//              What Qiu & Yao accuse (output_keep)
//   paper-o    one rounding to 16 bits, of O (output_store)
//   all-bf16   every intermediate goes through bf16 memory: S, S - m, P, r, l, O r, a tile's P.V
//   and
//              their sum. A tile's products and the sum of its P are binary32 inside, as a matrix
//              unit's and a reduction's. Golden et al. compare such a flash attention with plain
//              one
//
// paper-pv and paper-o have one tile of all keys unless --tile is given, and round once even then:
// the rounding comes after the last tile. Their backward pass is binary32, with exact products. P
// enters it and the second product as a binary32 number.
//
// Limits: generic, the kernels of no library; products are exact and then rounded to binary32,
// which no tensor core does. all-bf16 has no backward pass: its source has none, and keeps silent
// about which of m, l and O its formats cover. Sources: Qiu and Yao, arXiv 2510.04212, equations 4
// and 5 and the ablations; Golden et al., arXiv 2405.02803. Held by plain twins in
// tests/attention/precision_maps_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe paper_pv;
extern const Recipe paper_o;
extern const Recipe all_bf16;

}  // namespace ulpscope
