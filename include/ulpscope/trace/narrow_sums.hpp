// The sums of one site over rows of records in 64-bit integers and less, as vector code adds them:
// what a log keeps between its spills into the wide ones.
//
//   if (!narrow.add_row(first, records, moments, row)) ... one by one
//   narrow.spill(moments.histogram, columns);        before the sums are read, and when full()
//
// Room. A row is taken if all its residues are below 2^47 (2^15 ulp) in magnitude. A column gets
// one record a row at most, so that after 2^15 rows its sum is below 2^62; a bin of the histogram
// counts at most 2^15 rows of 2^7 records; a row's own sums, below 2^47 2^7, are added to the wide
// ones at once. Rows with larger residues, or with records that have none, go one by one.
//
// Adding is integer addition throughout, so that lanes, rows and single records give the same sums.
// Host only. Tested by tests/trace/narrow_sums_test.cpp on every instruction set of the machine.
#pragma once

#include "ulpscope/trace/clusters.hpp"
#include "ulpscope/trace/record_row.hpp"

#include <array>
#include <vector>

namespace ulpscope {

class NarrowSums {
 public:
  // The bins of a histogram and one for zeros: in several copies, as neighbours often meet in a
  // bin.
  static constexpr std::size_t zero_bin = ResidueHistogram::bins;
  static constexpr std::size_t copies = 4;
  static constexpr std::size_t stride = 80;
  static_assert(zero_bin < stride);

  explicit NarrowSums(std::size_t columns);

  // Into the columns from `first` on, the histogram, and what needs no room: false, and nothing is
  // added, where the row has to go one by one.
  bool add_row(std::size_t first, const RecordRow& records, Moments& moments, Cluster& row);

  bool full() const { return rows_ == most_rows; }
  // To the wide sums; leaves zeros.
  void spill(ResidueHistogram& histogram, std::vector<Cluster>& columns);

 private:
  static constexpr int most_rows = 1 << 15;

  // As many columns as the longest register has lanes.
  struct alignas(64) Columns {
    std::array<int64_t, 8> sums;
  };
  int64_t* sums() { return columns_.front().sums.data(); }
  int64_t* sums_away() { return columns_[away_at_].sums.data(); }

  int rows_ = 0;
  std::vector<Columns> columns_;  // signed by value, then those away from zero
  std::size_t away_at_;
  std::vector<int32_t> count_steps_;  // counts, each less the one before it
  std::array<uint32_t, copies * stride> bins_{};
};

}  // namespace ulpscope
