#include "ulpscope/trace/bias.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ulpscope {

namespace {

constexpr double one = 4294967296.0;    // 2^32: residues to ulp
constexpr double folded_one = 65536.0;  // 2^16: folded sums to ulp

// sum over clusters of (S - n m)^2, in ulp^2, with the small-sample factor; 0 for one cluster.
double spread(const ClusterFold& fold, int128 counts_times_sums, uint128 sums_squared,
              double mean) {
  if (fold.clusters < 2) return 0.0;
  const double squares = static_cast<double>(sums_squared) / (folded_one * folded_one);
  const double cross = static_cast<double>(counts_times_sums) / folded_one;
  const double counts = static_cast<double>(fold.counts_squared);
  const double total = squares - 2.0 * mean * cross + mean * mean * counts;
  const auto g = static_cast<double>(fold.clusters);
  return std::max(0.0, total) * (g / (g - 1.0));
}

Bias bias(const ErrorStatistics& s, double count, double mean, double rows, double columns,
          double single) {
  const double variance = std::max({rows, columns, rows + columns - single});
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (s.rows.clusters < 2 && s.columns.clusters < 2) return {mean, nan, 0.0};
  const double error = std::sqrt(variance) / count;
  if (error > 0.0) return {mean, error, mean / error};
  if (mean > 0.0) return {mean, 0.0, infinity};
  return {mean, 0.0, mean < 0.0 ? -infinity : 0.0};
}

}  // namespace

BiasSummary summarise(const ErrorStatistics& s) {
  const HostFpGuard guard;
  const Moments& m = s.moments;
  const auto count = static_cast<double>(m.count - m.skipped);
  if (m.count == m.skipped) return {{0, 0, 0}, {0, 0, 0}, 0};
  const double mean = static_cast<double>(m.sum) / one / count;
  const double mean_away = static_cast<double>(m.sum_away) / one / count;
  const double squares = static_cast<double>(m.sum_squares) / (one * one);
  const double single = std::max(0.0, squares - count * mean * mean);
  const double single_away = std::max(0.0, squares - count * mean_away * mean_away);
  const double signed_errors = static_cast<double>(m.larger + m.smaller);
  return {
      bias(s, count, mean, spread(s.rows, s.rows.counts_times_sums, s.rows.sums_squared, mean),
           spread(s.columns, s.columns.counts_times_sums, s.columns.sums_squared, mean), single),
      bias(s, count, mean_away,
           spread(s.rows, s.rows.counts_times_sums_away, s.rows.sums_away_squared, mean_away),
           spread(s.columns, s.columns.counts_times_sums_away, s.columns.sums_away_squared,
                  mean_away),
           single_away),
      signed_errors > 0.0 ? (static_cast<double>(m.larger) - static_cast<double>(m.smaller)) /
                                std::sqrt(signed_errors)
                          : 0.0};
}

}  // namespace ulpscope
