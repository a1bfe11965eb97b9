#include "ulpscope/analysis/p_cast.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// A sink of that score at key 0; the others lie evenly in (-3, 3].
std::vector<double> scores_with_sink(double sink) {
  std::vector<double> scores(512);
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = 3.0 - 6.0 * static_cast<double>(i * 37 % 512) / 512.0;
  }
  scores[0] = sink;
  return scores;
}
std::vector<double> values() {
  std::vector<double> v(512 * 4);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(i * 7 % 13) / 8.0 - 0.5;
  return v;
}
CastRow row_of(const PCast& cast, double sink) {
  const HostFpGuard guard;
  return cast_row(cast, scores_with_sink(sink), values());
}

}  // namespace

TEST_SUITE("cast of P") {
  TEST_CASE("the gap at which e4m3 loses P is ln 2^10 + ln scale") {
    CHECK(std::abs(vanishing_gap({}) - 6.931471805599453) < 1e-14);
    CHECK(std::abs(vanishing_gap({.scale = 256}) - 12.476649250079015) < 1e-14);
    // e5m2 reaches down to 2^-16.
    CHECK(std::abs(vanishing_gap({.format = e5m2}) - 17 * 0.6931471805599453) < 1e-14);
  }

  TEST_CASE("what lies beyond the threshold is lost, and nothing else") {
    for (const double scale : {1.0, 256.0, 448.0}) {
      for (const double sink : {4.0, 6.0, 8.0, 10.0, 12.0, 16.0}) {
        CAPTURE(scale);
        CAPTURE(sink);
        const CastRow row = row_of({.scale = scale}, sink);
        CHECK(row.keys == 512);
        CHECK(row.lost == row.below_threshold);
      }
    }
    CHECK(row_of({}, 12).lost == 511);
    CHECK(row_of({.scale = 256}, 6).lost == 0);
  }

  TEST_CASE("in reverse order the sink's own tile is all that is lost") {
    const CastRow row = row_of({.order = TileOrder::descending}, 12);
    CHECK(row.lost == 127);
    CHECK(row.squared_error < row_of({}, 12).squared_error / 2);
    CHECK(row.squared_exact == doctest::Approx(row_of({}, 12).squared_exact).epsilon(1e-12));
  }

  TEST_CASE("a scale that keeps all of P keeps O") {
    CHECK(row_of({}, 8).lost > 100);
    CHECK(row_of({.scale = 256}, 8).lost == 0);
    CHECK(row_of({.scale = 256}, 8).squared_error < row_of({}, 8).squared_error / 3);
  }
}
