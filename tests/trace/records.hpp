// Records for the tests of statistics: what a real rounding gives, and random errors.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/trace/clusters.hpp"

#include <random>
#include <vector>

namespace ulpscope::test {

inline constexpr int64_t one_ulp = residue_one_ulp;

// The rounding of a number to a format, as a site would report it.
inline Record rounding_of(double x, const Format& f, Rounding r = nearest_even) {
  const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
  const Rounded rounded = round_pack(f, exact, r);
  return {rounded.residue, rounded.flags, exact.negative};
}

inline Record error(int64_t residue, bool negative = false) {
  return {residue, flag_if(residue != 0, Flag::inexact), negative};
}

// Errors of up to half an ulp, multiples of 2^-16 ulp so that folding cuts nothing.
class RandomErrors {
 public:
  explicit RandomErrors(uint64_t seed) : random_(seed) {}
  uint64_t word() { return random_(); }
  Record next(int64_t shift = 0) {
    const auto units = static_cast<int64_t>(random_() & 0xFFFF) - 0x8000 + shift;
    return error(units << 16, (random_() & 1) != 0);
  }

 private:
  std::mt19937_64 random_;
};

// Statistics of a matrix of errors, every row and column a cluster; rows may differ in length.
inline ErrorStatistics statistics_of(const std::vector<std::vector<Record>>& matrix) {
  ErrorStatistics all;
  std::vector<Cluster> rows(matrix.size());
  std::vector<Cluster> columns;
  for (size_t i = 0; i < matrix.size(); ++i) {
    if (columns.size() < matrix[i].size()) columns.resize(matrix[i].size());
    for (size_t j = 0; j < matrix[i].size(); ++j) {
      all.moments.add(matrix[i][j]);
      rows[i].add(matrix[i][j]);
      columns[j].add(matrix[i][j]);
    }
  }
  fold_and_clear(rows, all.rows);
  fold_and_clear(columns, all.columns);
  return all;
}

}  // namespace ulpscope::test
