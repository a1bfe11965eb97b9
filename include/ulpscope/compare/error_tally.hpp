// The error of a tensor against a reference, element by element: signed ulps, statistics by row
// and feature, a heat map, counts by magnitude, the worst elements; on request head by head.
//
// An error is (value - reference) / ulp, the ulp being the value format's spacing in the binade of
// the reference, not below that of its subnormals. It is kept as an integer in 2^-32 ulp, cut
// toward zero, so that tallies of tiles, heads and threads merge to the same bytes in any order.
// A NaN or infinity on either side has no error: it is skipped, unless both agree.
//
//   bf16: value -4.71875, reference -4.70399...: ulp 2^-5, error -0.4723
//
// Tensors are (outer, rows, columns): outer counts heads (and batches), a row is a query, a column
// a feature. Tested by tests/compare/error_tally_test.cpp.
#pragma once

#include "ulpscope/base/words.hpp"
#include "ulpscope/compare/head_errors.hpp"
#include "ulpscope/compare/magnitude_counts.hpp"
#include "ulpscope/format/format.hpp"
#include "ulpscope/trace/clusters.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace ulpscope {

// The power of two of one ulp of `format` at a finite reference.
int ulp_exponent(const Format& format, double reference);

// The error in 2^-32 ulp of `format` at the reference.
Record output_record(const Format& format, double value, double reference);

// The same as a number of ulps, for errors.safetensors: NaN where there is none.
float error_in_ulps(const Record& record);

struct WorstError {
  int64_t outer = 0;
  int64_t row = 0;
  int64_t column = 0;
  double value = 0;
  double reference = 0;
  int64_t residue = 0;
};

// The heads' mean error over tiles of rows and single features.
struct HeatMapSums {
  int64_t row_tile = 1;
  int64_t tiles = 0;
  int64_t columns = 0;
  std::vector<Cluster> cells;  // (tiles, columns)
};

// Whether each head's errors are kept beside those of all: 1 kB and 40 bytes a feature.
enum class Heads { together, apart };

class ErrorTally {
 public:
  static constexpr size_t worst_kept = 20;

  ErrorTally(int64_t rows, int64_t columns, int64_t row_tile, Heads heads = Heads::together);

  // One row of one head.
  void add_row(const Format& format, int64_t outer, int64_t row, const double* values,
               const double* references, float* errors);
  // Another tally of the same head, or of other heads once they are closed.
  void merge(const ErrorTally& other);
  // The head's features are complete: folds them. Call once a head, before merging heads.
  void close_head();

  // A tally whose heads are closed, as words, and into an empty one of the same sizes.
  void write(WordWriter& words) const;
  void read(WordReader& words);

  const ErrorStatistics& statistics() const { return statistics_; }
  const HeatMapSums& heat_map() const { return heat_map_; }
  const MagnitudeCounts& magnitudes() const { return magnitudes_; }
  // By `outer`; none of a tally that keeps them together.
  const std::map<int64_t, HeadErrors>& heads() const { return heads_; }
  // Largest error first; equal ones by index.
  std::vector<WorstError> worst() const;

 private:
  void keep_worst(const WorstError& error);

  Heads keeping_;
  int64_t outer_ = 0;  // the last row's
  ErrorStatistics statistics_;
  std::vector<FeatureErrors> columns_;
  HeatMapSums heat_map_;
  MagnitudeCounts magnitudes_;
  std::map<int64_t, HeadErrors> heads_;
  std::vector<WorstError> worst_;  // a heap, the smallest on top
};

}  // namespace ulpscope
