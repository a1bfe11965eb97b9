// Attention on 8-bit tensor cores: Q, K, V and P in E4M3 (e4m3fn), O in bfloat16. Generic: the
// arithmetic that such kernels share, and no kernel of a library.
//
//   S = Q.K^T        e4m3 products, 32 to a step; the accumulator keeps 13 fraction bits
//   P = 2^(S c - m c), l = sum P       binary32, in the steps of fa2-torch, tiles of 128 keys
//   P8 = e4m3(P)     in [0, 1]: what is not above 2^-10 becomes 0
//   O = O r + P8.V   the 13-bit accumulator again, which cuts the running O too
//   O (v / l)        one binary32 factor a row; LSE as fa2-torch; O cast to bf16
//
// The codes of Q, K and V stand for themselves times a factor each (Problem::descale, --descale):
// those of Q and K enter the scale, RN(RN(scale q) k), that of V the last product.
//
// FlashAttention-3, the kernel of this kind for Hopper, does more and is not this row: it lifts P
// by 2^8 before the cast, so that far fewer P vanish, has factors for each batch and head, is built
// with fast-math, takes 1 / l and V's factor as two roundings, and has other tiles. There is no
// backward pass in 8 bits to follow, so this row has none.
//
// Source: the accumulator of wgmma e4m3 from published models of Hopper's tensor cores (chip.hpp)
// and, for products of cuBLASLt, our recordings (gemm/recipe.hpp); the rest is fa2-torch's.
// Limits: forward, no split keys, causal masks and windows aligned to the bottom right.
// Tested by tests/attention/fp8_e4m3_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe fp8_e4m3;

}  // namespace ulpscope
