#include "ulpscope/analysis/drift.hpp"

#include <array>
#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Coefficients of one sign, spread around it; and the same without a common sign.
std::vector<double> coefficients(size_t steps, double mean) {
  std::vector<double> list;
  for (size_t n = 0; n < steps; ++n) {
    list.push_back(mean + std::sin(12.9898 * static_cast<double>(n + 1)));
  }
  return list;
}

}  // namespace

TEST_SUITE("drift") {
  TEST_CASE("biased coefficients grow linearly in a shared direction, and in no other case") {
    const Drift drift = drift_of(coefficients(400, -3), {.dim = 16, .width = 16});
    CHECK(drift.share == doctest::Approx(-1));
    // Bounds halfway between the two laws.
    CHECK(drift.shared.exponent > 0.95);
    CHECK(drift.shared.exponent < 1.05);
    CHECK(drift.random.exponent < 0.75);
    CHECK(drift.flipped.exponent > 0.25);
    CHECK(drift.flipped.exponent < 0.75);
    CHECK(drift.shared.norm.back() > 4 * drift.random.norm.back());
    CHECK(drift.shared.norm.back() > 4 * drift.flipped.norm.back());
  }

  TEST_CASE("coefficients without a bias do not grow linearly in a shared direction either") {
    const Drift drift = drift_of(coefficients(400, 0), {.dim = 16, .width = 16});
    CHECK(std::abs(drift.share) < 0.1);
    CHECK(drift.shared.norm.back() < 0.1 * drift_of(coefficients(400, -3), {}).shared.norm.back());
  }

  TEST_CASE("the shared curve is the sum of the coefficients, scaled by 1/sqrt(dim)") {
    const std::array<double, 3> list{1, -3, 0.5};
    const Drift drift = drift_of(list, {.dim = 4, .width = 2});
    CHECK(drift.cumulative == std::vector<double>{1, -2, -1.5});
    CHECK(drift.shared.norm == std::vector<double>{0.5, 1, 0.75});
    // One direction alone has its coefficient's norm.
    CHECK(drift.random.norm[0] == doctest::Approx(0.5));
    CHECK(drift.flipped.norm[0] == doctest::Approx(0.5));
  }

  TEST_CASE("the exponent of a power is its exponent") {
    std::vector<double> y;
    for (int n = 1; n <= 100; ++n) y.push_back(3 * std::pow(n, 0.7));
    CHECK(growth_exponent(y) == doctest::Approx(0.7));
    CHECK(std::isnan(growth_exponent(std::vector<double>{1})));
    CHECK(std::isnan(growth_exponent(std::vector<double>{0, 0, 0})));
  }

  TEST_CASE("the spectral norm of known matrices") {
    const std::array<double, 6> diagonal{3, 0, 0, 0, -5, 0};
    CHECK(spectral_norm(diagonal, 2, 3) == doctest::Approx(5));
    const std::array<double, 4> golden{1, 1, 1, 0};  // its eigenvalues are (1 +- sqrt 5) / 2
    CHECK(spectral_norm(golden, 2, 2) == doctest::Approx((1 + std::sqrt(5.0)) / 2));
    const std::array<double, 4> zero{};
    CHECK(spectral_norm(zero, 2, 2) == 0.0);
  }

  TEST_CASE("the same seed gives the same curves, another seed others") {
    const auto list = coefficients(20, 1);
    CHECK(drift_of(list, {}).random.norm == drift_of(list, {}).random.norm);
    CHECK(drift_of(list, {}).random.norm != drift_of(list, {.seed = 2}).random.norm);
    CHECK(drift_of(list, {}).flipped.norm != drift_of(list, {.seed = 2}).flipped.norm);
  }
}
