#include "ulpscope/analysis/row_census.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope {

size_t residual_bin(double residual) {
  if (!(residual > 0)) return 0;
  const int bin = std::ilogb(residual) - RowCensus::lowest_residual;
  return static_cast<size_t>(std::clamp(bin, 0, static_cast<int>(RowCensus::residual_bins) - 1));
}

void RowCensus::add(const RowMonitor& row) {
  if (row.equal == 0) return;
  ++rows;
  at_risk += row.at_risk;
  if (row.equal < 2) return;
  ++tied;
  ++tied_by_residual[residual_bin(row.residual)];
}

void RowCensus::merge(const RowCensus& other) {
  rows += other.rows;
  tied += other.tied;
  at_risk += other.at_risk;
  for (size_t i = 0; i < residual_bins; ++i) tied_by_residual[i] += other.tied_by_residual[i];
}

double RowCensus::median_residual() const {
  int64_t below = 0;
  for (size_t bin = 0; bin < residual_bins; ++bin) {
    below += tied_by_residual[bin];
    if (2 * below > tied) {
      return bin == 0 ? 0.0 : std::ldexp(1.0, static_cast<int>(bin) + lowest_residual);
    }
  }
  return 0;
}

}  // namespace ulpscope
