#include "ulpscope/analysis/row_monitor.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The maximum is taken over the scores themselves.
RowMonitor monitor(const std::vector<double>& scores, double tolerance = 1e-3) {
  std::vector<uint32_t> selectors;
  for (const double s : scores) selectors.push_back(bit_cast<uint32_t>(static_cast<float>(s)));
  std::vector<double> weights(scores.size());
  return monitor_row(scores, selectors, 0,
                     {.probability = bf16, .output = bf16, .tolerance = tolerance, .sinks = 1},
                     weights);
}

}  // namespace

TEST_SUITE("row monitor") {
  TEST_CASE("two equal maxima with a small rest are at risk") {
    const RowMonitor row = monitor({8, 8, -6});
    CHECK(row.seen == 3);
    CHECK(row.maximum == 8);
    CHECK(row.equal == 2);
    CHECK(row.powers == 2);
    CHECK(row.residual == doctest::Approx(std::exp(-14.0)).epsilon(1e-12));
    CHECK(row.sink == doctest::Approx(0.5));
    CHECK(row.entropy == doctest::Approx(std::log(2.0)).epsilon(1e-4));
    CHECK(row.at_risk);
  }

  TEST_CASE("risk ends where the rest is seen, and where binary32 loses it") {
    CHECK_FALSE(monitor({8, 8, 3}).at_risk);     // e^-5 = 6.7e-3, above 1.6e-3
    CHECK(monitor({8, 8, 1}).at_risk);           // e^-7 = 9.1e-4
    CHECK(monitor({8, 8, -7}).at_risk);          // e^-15 = 3.1e-7
    CHECK_FALSE(monitor({8, 8, -8.5}).at_risk);  // e^-16.5 = 6.8e-8, below 1.2e-7
    CHECK_FALSE(monitor({8, 8}).at_risk);
  }

  TEST_CASE("one maximum is not at risk") { CHECK_FALSE(monitor({8, -1, -6}).at_risk); }

  TEST_CASE("equal scores are equal where the kernel compares them") {
    // Different numbers that one rounding made equal, or equal ones told apart before it.
    const std::vector<double> scores{1.0, 1.0 + 0x1p-30, 0.0};
    const std::vector<uint32_t> selectors{7, 7, 3};
    std::vector<double> weights(3);
    const auto row =
        monitor_row(scores, selectors, 0, {.probability = bf16, .output = bf16}, weights);
    CHECK(row.equal == 2);
  }

  TEST_CASE("near maxima lie within the tolerance") {
    CHECK(monitor({1, 0.9995, 0.5}).near == 2);
    CHECK(monitor({1, 0.9995, 0.5}, 0).near == 1);
  }

  TEST_CASE("a weight that rounds to a power of two counts as one") {
    // ln 2 in binary64: the weight is one half to 2^-53, and in bf16 exactly.
    const RowMonitor row = monitor({0, -std::log(2.0), -0.3});
    CHECK(row.equal == 1);
    CHECK(row.powers == 2);
  }

  TEST_CASE("a uniform row has the entropy of its length") {
    CHECK(monitor(std::vector<double>(64, -3.0)).entropy ==
          doctest::Approx(std::log(64.0)).epsilon(1e-14));
  }

  TEST_CASE("-infinity hides a key; NaN, +infinity and nothing leave no softmax") {
    const RowMonitor row = monitor({2, -infinity, 2});
    CHECK(row.equal == 2);
    CHECK(row.magnitude == 2);
    CHECK(row.entropy == doctest::Approx(std::log(2.0)));
    CHECK(monitor({2, infinity}).equal == 0);
    CHECK(monitor({2, std::numeric_limits<double>::quiet_NaN()}).equal == 0);
    CHECK(monitor({-infinity, -infinity}).equal == 0);
    CHECK(monitor({}).equal == 0);
  }
}
