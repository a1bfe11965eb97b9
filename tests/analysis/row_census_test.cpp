#include "ulpscope/analysis/row_census.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

RowMonitor row(int64_t equal, double residual, bool at_risk) {
  RowMonitor monitor;
  monitor.equal = equal;
  monitor.residual = residual;
  monitor.at_risk = at_risk;
  return monitor;
}

}  // namespace

TEST_SUITE("row census") {
  TEST_CASE("rows are counted by their maxima, and their residual where those are equal") {
    RowCensus census;
    census.add(row(0, 0, false));  // no softmax
    census.add(row(1, 0.3, false));
    census.add(row(2, 0.3, false));
    census.add(row(3, 0x1p-14, true));
    census.add(row(2, 0x1.8p-14, true));
    CHECK(census.rows == 4);
    CHECK(census.tied == 3);
    CHECK(census.at_risk == 2);
    CHECK(census.median_residual() == 0x1p-14);
  }

  TEST_CASE("a census of parts merges to that of the whole, and no tied row has no residual") {
    RowCensus whole, left, right;
    for (int i = 0; i < 20; ++i) {
      const auto r = row(1 + i % 3, std::ldexp(1.0, -i), i % 5 == 0);
      whole.add(r);
      (i % 2 == 0 ? left : right).add(r);
    }
    left.merge(right);
    CHECK(left == whole);
    CHECK(RowCensus{}.median_residual() == 0.0);
  }

  TEST_CASE("residuals beyond the bins stay in the outermost") {
    CHECK(residual_bin(0.0) == 0);
    CHECK(residual_bin(1e-300) == 0);
    CHECK(residual_bin(1e300) == RowCensus::residual_bins - 1);
    CHECK(residual_bin(1.5) == residual_bin(1.0));
  }
}
