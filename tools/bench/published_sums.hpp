// Scalar fused sums in the manner of two published simulators, to measure ours against. Written
// from what their papers and sources describe, for sm_90 and finite bf16 operands; no code of
// theirs.
//
//   MMA-Sim (arXiv 2511.10909, Python): a step takes its terms apart by frexp into lists of
//     significands and exponents, cuts each by scaling and trunc, adds in binary64
//   Hawkeye (arXiv 2603.20421, C++): a dot product collects its products as small structures in a
//     vector of its own, which is summed in integers and emptied whenever a group is full
#pragma once

#include <cstdint>

namespace ulpscope::bench {

// binary32 bits of the sum over k of a[k] b[k], from +0; length is a multiple of 16.
uint32_t sum_like_mma_sim(const uint16_t* a, const uint16_t* b, int64_t length);
uint32_t sum_like_hawkeye(const uint16_t* a, const uint16_t* b, int64_t length);

}  // namespace ulpscope::bench
