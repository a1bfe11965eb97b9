// One operation drawn in text, as on paper: significands aligned, the sum, the line at which the
// result ends, guard bit and the rest behind it, and what the rounding made of them.
//
//   1.5 + 0.75 in e5m2
//     aligned, point at 2^0
//        1.10|
//     +  0.11|
//     = 10.01|            (the line stands one place further left: the sum is a binade higher)
//
// The pieces are drawn from the same exact values that the library rounds; nothing is computed
// twice. Limits: bits more than `shown_below` places below the line are cut and marked with "...".
// Tested by tests/report/picture_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

#include <span>
#include <string>

namespace ulpscope {

inline constexpr int shown_below = 28;

// A number of the drawing: how it is called, and its value.
struct DrawnTerm {
  std::string label;
  Exact<Uint256> value;
};

// The terms of a sum on one grid, their exact sum, and its rounding into `to`. One term alone is a
// value that is only rounded.
std::string draw_rounding(std::span<const DrawnTerm> terms, const Exact<Uint256>& exact,
                          const Format& to, Rounding rounding);

// "-1.0010110|10000111... x 2^2": the significand with a line where `to` ends, and no more than
// `below` bits behind it.
std::string cut_significand_text(const Exact<Uint256>& x, const Format& to, int below);

// "1.1000000 x 2^-3", all bits down to the last; a zero, infinity or NaN by its name.
std::string significand_text(const Exact<Uint256>& x);

}  // namespace ulpscope
