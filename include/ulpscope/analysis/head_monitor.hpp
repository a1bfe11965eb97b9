// The rows of a head, monitored together: how often maxima are equal, how much lies beside them,
// how large scores grow and where the attention goes.
//
//   for (const HeadMonitor& head : monitor_heads(plan, {.threads = 4})) head.rows_at_risk ...
//
// Scores are the kernel's: the chip's fused sums, scaled, capped and rounded at the sites of the
// plan's precision map. Heads come in their order, (batch, head), and every number is summed in
// the order of the rows, so that threads do not show. Rows whose scores are not all finite are
// counted apart.
//
// Cost: one product Q.K^T and an exponential a pair. Tested by
// tests/analysis/head_monitor_test.cpp.
#pragma once

#include "ulpscope/analysis/row_census.hpp"
#include "ulpscope/analysis/row_monitor.hpp"
#include "ulpscope/attention/plan.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <vector>

namespace ulpscope {

struct HeadMonitor {
  // Rows by the number of their equal maxima: 1, 2, 3, 4, more.
  static constexpr size_t maxima_counts = 5;
  // Rows by the residual's power of two, from 2^-63 up to 2^15 and more; 0 and less in the first.
  static constexpr int lowest_residual = RowCensus::lowest_residual;
  static constexpr size_t residual_bins = RowCensus::residual_bins;

  int64_t batch = 0;
  int64_t head = 0;
  int64_t rows = 0;        // with keys, and finite scores
  int64_t not_finite = 0;  // rows with keys, but a score that is NaN or infinite
  int64_t pairs = 0;
  double largest = 0;  // |score|
  std::array<int64_t, maxima_counts> rows_by_maxima{};
  int64_t rows_near = 0;  // with two or more maxima within the tolerance
  int64_t rows_at_risk = 0;
  int64_t powers = 0;  // P that are powers of two
  std::array<int64_t, residual_bins> rows_by_residual{};
  double entropy = 0;  // mean over rows
  double sink = 0;     // mean over rows

  int64_t rows_equal() const;      // two or more equal maxima
  double median_residual() const;  // the lower edge of the median's bin; 0 where there are no rows
};

struct HeadMonitorOptions {
  double tolerance = 1e-3;
  int64_t sinks = 1;
  int threads = 1;
  std::function<void(int64_t done)> progress = {};  // heads
  const std::atomic<bool>* stop = nullptr;
};

// The rows of one head, for a kernel that computes tiles. Once stopped, the rest is empty.
std::vector<RowMonitor> monitor_rows(const Plan& plan, const HeadMonitorOptions& options,
                                     int64_t batch, int64_t head);

// One monitor a head; fewer if it was stopped. Error(usage) for a kernel without a tiled pass.
std::vector<HeadMonitor> monitor_heads(const Plan& plan, const HeadMonitorOptions& options);

}  // namespace ulpscope
