#include "ulpscope/trace/clusters.hpp"

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Cluster cluster_of(std::initializer_list<Record> records) {
  Cluster c;
  for (const Record& r : records) c.add(r);
  return c;
}

}  // namespace

TEST_CASE("a cluster is a count and two sums") {
  const Cluster c = cluster_of({error(one_ulp / 2), error(one_ulp / 4, true), error(0)});
  CHECK(c.count == 3);
  CHECK((c.sum == one_ulp / 2 + one_ulp / 4));
  CHECK((c.sum_away == one_ulp / 2 - one_ulp / 4));
}

TEST_CASE("what has no error is in no cluster") {
  const Cluster c = cluster_of({rounding_of(1e10, fp16), error(one_ulp)});
  CHECK(c.count == 1);
  CHECK((c.sum == one_ulp));
}

TEST_CASE("folding keeps counts and sums in squares and products, in units of 2^-16 ulp") {
  ClusterFold fold;
  fold.add(cluster_of({error(one_ulp), error(one_ulp), error(-one_ulp / 2, true)}));
  CHECK(fold.clusters == 1);
  CHECK((fold.counts_squared == 9));
  CHECK((fold.counts_times_sums == 3 * 3 * 0x8000));  // 3 errors, 3/2 ulp
  CHECK((fold.sums_squared == uint128{0x18000} * 0x18000));
  CHECK((fold.counts_times_sums_away == 3 * 5 * 0x8000));  // 5/2 ulp
  CHECK((fold.sums_away_squared == uint128{0x28000} * 0x28000));
}

TEST_CASE("an empty cluster is none") {
  ClusterFold fold;
  fold.add({});
  fold.add(cluster_of({rounding_of(1e10, fp16)}));
  CHECK((fold == ClusterFold{}));
}

TEST_CASE("sums are cut toward zero when folded, and capped at 2^31 ulp") {
  ClusterFold up;
  up.add(cluster_of({error(0x1FFFF)}));
  CHECK((up.counts_times_sums == 1));
  ClusterFold down;
  down.add(cluster_of({error(-0x1FFFF)}));
  CHECK((down.counts_times_sums == -1));
  ClusterFold far;
  const int64_t huge = int64_t{1} << 62;
  far.add(cluster_of({error(huge), error(huge), error(huge)}));
  CHECK((far.sums_squared == uint128{1} << 94));
  ClusterFold low;
  low.add(cluster_of({error(-huge), error(-huge), error(-huge)}));
  CHECK((low.counts_times_sums == -3 * (int128{1} << 47)));
}

TEST_CASE("folds and clusters merge in any order to the same bytes") {
  RandomErrors random(1);
  std::vector<std::vector<Record>> matrix(40);
  for (auto& row : matrix) {
    for (int j = 0; j < 25; ++j) row.push_back(random.next(100));
  }
  ErrorStatistics whole = statistics_of(matrix);
  // Rows in three lots: their folds add up. Columns run through all lots: merge before folding.
  ErrorStatistics parts[3];
  std::vector<Cluster> columns[3];
  for (auto& lot : columns) lot.resize(25);
  for (size_t i = 0; i < matrix.size(); ++i) {
    Cluster row;
    for (size_t j = 0; j < 25; ++j) {
      parts[i % 3].moments.add(matrix[i][j]);
      row.add(matrix[i][j]);
      columns[i % 3][j].add(matrix[i][j]);
    }
    parts[i % 3].rows.add(row);
  }
  for (const auto& order : {std::array{0, 1, 2}, std::array{2, 0, 1}, std::array{1, 2, 0}}) {
    ErrorStatistics joined;
    std::vector<Cluster> joined_columns(25);
    for (const int part : order) {
      joined.merge(parts[part]);
      for (size_t j = 0; j < 25; ++j) joined_columns[j].merge(columns[part][j]);
    }
    fold_and_clear(joined_columns, joined.columns);
    CHECK((joined == whole));
  }
}

TEST_CASE("folding a list empties its cells") {
  std::vector<Cluster> cells{cluster_of({error(5)}), cluster_of({}), cluster_of({error(7)})};
  ClusterFold fold;
  fold_and_clear(cells, fold);
  CHECK(fold.clusters == 2);
  CHECK(cells.size() == 3);
  for (const Cluster& cell : cells) CHECK((cell.count == 0 && cell.sum == 0 && cell.sum_away == 0));
}
