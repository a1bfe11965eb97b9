#include "ulpscope/analysis/weight_error.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("weight error") {
  TEST_CASE("terms that are all alike have similarity 1, rank 1 and the norm of their sum") {
    // Lengths differ, directions do not.
    const std::array<double, 6> pk{3, 4, 6, 8, 0.3, 0.4};
    const std::array<double, 6> x{0, 2, 0, 1, 0, 5};
    const std::array<double, 3> errors{0.5, 0.25, 1};
    const auto result =
        weight_error({.pk = pk, .x = x, .errors = errors, .dim = 2, .width = 2, .alpha = 0.125});
    CHECK(result.tokens == 3);
    CHECK(result.similarity == doctest::Approx(1));
    CHECK(result.effective_rank == doctest::Approx(1));
    // 0.125 (0.5 x 5 x 2 + 0.25 x 10 x 1 + 1 x 0.5 x 5)
    CHECK(result.spectral_norm == doctest::Approx(1.25));
    CHECK(result.largest == doctest::Approx(1.25));
  }

  TEST_CASE("orthogonal terms have similarity 0 and a rank each") {
    const std::array<double, 4> pk{1, 0, 0, 1};
    const std::array<double, 4> x{1, 0, 1, 0};  // alike: the product is orthogonal all the same
    const std::array<double, 2> errors{3, 4};
    const auto result = weight_error({.pk = pk, .x = x, .errors = errors, .dim = 2, .width = 2});
    CHECK(result.similarity == doctest::Approx(0));
    CHECK(result.effective_rank == doctest::Approx(2));
    CHECK(result.spectral_norm == doctest::Approx(5));
    CHECK(result.largest == doctest::Approx(7));
  }

  TEST_CASE("errors of two signs cancel where the terms are alike") {
    const std::array<double, 2> pk{1, 1};
    const std::array<double, 2> x{1, 1};
    const std::array<double, 2> errors{1, -1};
    const auto result = weight_error({.pk = pk, .x = x, .errors = errors, .dim = 1, .width = 1});
    CHECK(result.spectral_norm == 0.0);
    CHECK(result.largest == 2.0);
  }

  TEST_CASE("tokens without a direction or an error are left out") {
    const std::array<double, 3> pk{1, 0, 1};
    const std::array<double, 3> x{1, 1, 1};
    const std::array<double, 3> errors{1, 1, std::numeric_limits<double>::quiet_NaN()};
    const auto result = weight_error({.pk = pk, .x = x, .errors = errors, .dim = 1, .width = 1});
    CHECK(result.tokens == 1);
    CHECK(result.similarity == 0.0);
    CHECK(result.spectral_norm == doctest::Approx(1));
  }
}
