// Where a library cuts k, so that several blocks work on one element of D.
//
// Each part is a product of its own from +0; the parts are added in binary32, ascending. Cuts lie
// at multiples of 64, and the parts are as even as these allow, longer ones first:
//
//   k = 4096 in 3 parts: 64 units as 22, 21, 21 -> 1408, 1344, 1344
//
// Recorded is one cut product, bf16 of 64 x 128 x 4096. No cut in two parts gives its bits, and of
// the 1,953 cuts in three parts at multiples of 64 three do: (22, 21, 21), (21, 21, 22) and
// (22, 22, 20). Which of them the library takes is open, as is the order of the additions (every
// order gives the same bits there), and the rule by which it decides to cut. Hence the number of
// parts is the caller's.
//
// Tested by tests/gemm/split_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

namespace ulpscope {

inline constexpr int64_t split_unit = 64;

// Lengths of the parts, ascending in k. Error of kind usage if there are not that many units.
std::vector<int64_t> split_lengths(int64_t k, int64_t parts);

}  // namespace ulpscope
