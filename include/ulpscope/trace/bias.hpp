// From exact sums to the figures that a reader sees: mean, standard error, z.
//
// The standard error is clustered by row and by column (two-way, Cameron, Gelbach and Miller
// 2011): the variance of the row totals plus that of the column totals less that of single
// errors, never below either of the first two. Each is scaled by G / (G - 1) for its G clusters;
// a single cluster says nothing and is left out. A bias is called only at |z| >= 5.
//
//   mean = -0.118 ulp, standard error 0.020 -> z = -5.9: biased
//
// All in binary64 from exact integers, in a fixed order. Tested by tests/trace/bias_test.cpp.
#pragma once

#include "ulpscope/trace/clusters.hpp"

namespace ulpscope {

inline constexpr double bias_threshold = 5.0;

struct Bias {
  double mean;            // ulp
  double standard_error;  // ulp; NaN with fewer than two clusters on both sides
  double z;               // 0 where nothing varies and the mean is 0; infinite where it is not
};

struct BiasSummary {
  Bias by_value;      // above exact is positive
  Bias by_magnitude;  // away from zero is positive
  double sign_z;      // (larger - smaller) / sqrt(larger + smaller): shown, never decides
};

BiasSummary summarise(const ErrorStatistics& statistics);

inline bool is_biased(const Bias& bias) {
  return bias.z >= bias_threshold || bias.z <= -bias_threshold;
}

}  // namespace ulpscope
