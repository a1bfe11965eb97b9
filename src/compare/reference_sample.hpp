// A sample of one reference judged by the other.
#pragma once

#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/reference/exact_attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace ulpscope {

// `count` of the numbers below `all`, in even steps; all of them if there are no more.
inline std::vector<int64_t> spread_evenly(int64_t all, int64_t count) {
  count = std::min(all, count);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) places.push_back((2 * i + 1) * all / (2 * count));
  return places;
}

// Those of the places in the whole that lie in [first, first + count), counted from `first`.
inline std::vector<int64_t> within(std::vector<int64_t> places, int64_t first, int64_t count) {
  std::erase_if(places, [&](int64_t place) { return place < first || place >= first + count; });
  for (int64_t& place : places) place -= first;
  return places;
}

// Of |wide - exact|, in ulps of a format at the exact value.
inline double largest_difference(const Format& format, const std::vector<TwoDoubles>& exact,
                                 const double* wide) {
  double largest = 0;
  for (size_t d = 0; d < exact.size(); ++d) {
    if (!std::isfinite(exact[d].hi)) continue;
    const double difference = (wide[d] - exact[d].hi) - exact[d].lo;
    const int ulp = ulp_exponent(format, exact[d].hi);
    largest = std::max(largest, std::fabs(std::ldexp(difference, -ulp)));
  }
  return largest;
}

}  // namespace ulpscope
