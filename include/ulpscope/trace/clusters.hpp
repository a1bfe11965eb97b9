// Errors are not independent: a row shares its maximum and its probabilities, a feature its
// values. Standard errors are therefore taken over clusters, by row and by column.
//
// A cluster is a count n and a sum S of residues. Once complete it is folded into three exact
// sums over clusters, n^2, n S and S^2, from which the spread of the cluster totals around the
// common mean follows:  sum (S - n m)^2 = sum S^2 - 2 m sum n S + m^2 sum n^2.
// Folding keeps memory at one row tile and one head, and integers keep it the same in any order.
//
// S is folded in units of 2^-16 ulp and capped at 2^31 ulp, so that 2^32 clusters fit 128 bits.
// Tested by tests/trace/clusters_test.cpp.
#pragma once

#include "ulpscope/trace/moments.hpp"

#include <vector>

namespace ulpscope {

// Two sums, by the two ways to give an error a sign.
struct Cluster {
  uint64_t count = 0;
  int128 sum = 0;       // signed by value
  int128 sum_away = 0;  // away from zero positive

  void add(const Record& r) {
    if (!has_error(r)) return;
    ++count;
    sum += r.residue;
    sum_away += r.negative ? -r.residue : r.residue;
  }
  void merge(const Cluster& other) {
    count += other.count;
    sum += other.sum;
    sum_away += other.sum_away;
  }
};

struct ClusterFold {
  uint64_t clusters = 0;
  uint128 counts_squared = 0;
  int128 counts_times_sums = 0;  // units of 2^-16 ulp
  uint128 sums_squared = 0;      // units of 2^-32 ulp^2
  int128 counts_times_sums_away = 0;
  uint128 sums_away_squared = 0;

  void add(const Cluster& c);
  void merge(const ClusterFold& other);

  friend bool operator==(const ClusterFold&, const ClusterFold&) = default;
};

// All that is kept of a site or an output.
struct ErrorStatistics {
  Moments moments;
  ClusterFold rows;
  ClusterFold columns;

  void merge(const ErrorStatistics& other) {
    moments.merge(other.moments);
    rows.merge(other.rows);
    columns.merge(other.columns);
  }

  friend bool operator==(const ErrorStatistics&, const ErrorStatistics&) = default;
};

// Folds every cluster and empties the list's cells.
void fold_and_clear(std::vector<Cluster>& cells, ClusterFold& into);

}  // namespace ulpscope
