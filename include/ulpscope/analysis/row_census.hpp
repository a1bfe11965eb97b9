// How many rows of a run have two or more equal maxima, how many of those are at risk, and how much
// weight lies beside their maxima: integers, added up over heads and machines.
//
//   RowCensus census;   census.add(row_monitor);   census.median_residual()   // 2^-14: 6.1e-05
//
// Limits: the residual is kept to its power of two. Tested by tests/analysis/row_census_test.cpp.
#pragma once

#include "ulpscope/analysis/row_monitor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ulpscope {

struct RowCensus {
  // By the residual's power of two, from 2^-63 up to 2^15 and more; 0 and less in the first.
  static constexpr int lowest_residual = -64;
  static constexpr size_t residual_bins = 80;

  int64_t rows = 0;     // with keys, and finite scores
  int64_t tied = 0;     // two or more equal maxima
  int64_t at_risk = 0;  // of those
  std::array<int64_t, residual_bins> tied_by_residual{};

  void add(const RowMonitor& row);
  void merge(const RowCensus& other);
  // The lower edge of the bin of the median tied row; 0 where there are none.
  double median_residual() const;

  friend bool operator==(const RowCensus&, const RowCensus&) = default;
};

size_t residual_bin(double residual);

template <class Words, class Census>
void list_census(Words& words, Census& census) {
  words(census.rows, census.tied, census.at_risk);
  for (auto& count : census.tied_by_residual) words(count);
}

}  // namespace ulpscope
