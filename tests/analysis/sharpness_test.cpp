#include "ulpscope/analysis/sharpness.hpp"

#include "ulpscope/round/random_bits.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Both sides compute f and its maximum in binary64. With d the largest distance of a logit from the
// target's, an exponential is off by 2^-52 of itself and by d 2^-53 for its rounded argument, the
// sum by 2^-52, the logarithm by 2^-52 and 2^-53 of itself, and the last sum by 2^-53 f: f is
// within (3 + d / 2 + f) 2^-52. Where d and f are at most 16 and eps at most 0.5, 27 2^-52 for each
// of the two losses of each side; phi is 100 / (1 + f) of their difference, f >= 0: below 4 * 2700
// * 2^-52 < 2^-38.
constexpr double tolerance = 0x1p-38;

double phi_of(double loss, double raised) { return 100 * (raised - loss) / (1 + loss); }

double uniform(uint64_t element) {
  return static_cast<double>(random_bits({.seed = 5, .element = element}) >> 11) * 0x1p-53;
}

}  // namespace

TEST_SUITE("sharpness") {
  TEST_CASE("uniform logits: ln n rises to ln(1 + (n - 1) e^(2 eps (|c| + 1)))") {
    for (const size_t n : {2, 10, 50257}) {
      for (const double c : {-3.0, 0.0, 1.5}) {
        for (const double eps : {1e-4, 1e-3, 0.1}) {
          CAPTURE(n);
          CAPTURE(c);
          CAPTURE(eps);
          const std::vector<double> logits(n, c);
          const auto others = static_cast<double>(n) - 1;
          const double loss = std::log(static_cast<double>(n));
          const double raised = std::log1p(others * std::exp(2 * eps * (std::abs(c) + 1)));
          const auto s = sharpness(logits, n / 2, eps);
          REQUIRE(s.has_value());
          CHECK(s->loss == doctest::Approx(loss).epsilon(0x1p-40));
          CHECK(std::abs(s->phi - phi_of(loss, raised)) < tolerance);
        }
      }
    }
  }

  TEST_CASE("one logit above equal ones: ln(1 + (n - 1) e^-a) rises to that of a - eps (a + 2)") {
    for (const size_t n : {2, 100, 4096}) {
      for (const double a : {0.5, 4.0, 14.0}) {
        for (const double eps : {1e-3, 0.5}) {
          CAPTURE(n);
          CAPTURE(a);
          CAPTURE(eps);
          std::vector<double> logits(n, 0.0);
          logits[n - 1] = a;
          const auto others = static_cast<double>(n) - 1;
          const double loss = std::log1p(others * std::exp(-a));
          const double raised = std::log1p(others * std::exp(-a + eps * (a + 2)));
          const auto s = sharpness(logits, largest_logit(logits), eps);
          REQUIRE(s.has_value());
          CHECK(std::abs(s->phi - phi_of(loss, raised)) < tolerance);
        }
      }
    }
  }

  TEST_CASE("no corner and no point of the box is above the corner that is taken") {
    constexpr double eps = 0.05;
    constexpr size_t n = 6;
    const auto loss = [](const std::vector<double>& x, size_t target) {
      double sum = 0;
      for (const double logit : x) sum += std::exp(logit - x[target]);
      return std::log(sum);
    };
    for (uint64_t draw = 0; draw < 20; ++draw) {
      std::vector<double> x(n);
      for (size_t i = 0; i < n; ++i) x[i] = 8 * uniform(n * draw + i) - 4;
      const size_t target = draw % n;
      const auto s = sharpness(x, target, eps);
      REQUIRE(s.has_value());
      double best = 0;
      for (unsigned corner = 0; corner < 1U << n; ++corner) {
        std::vector<double> moved = x;
        for (size_t i = 0; i < n; ++i) {
          moved[i] += ((corner >> i & 1) != 0 ? eps : -eps) * (std::abs(x[i]) + 1);
        }
        best = std::max(best, loss(moved, target));
      }
      CHECK(std::abs(phi_of(loss(x, target), best) - s->phi) < tolerance);
      for (uint64_t point = 0; point < 50; ++point) {
        std::vector<double> moved = x;
        for (size_t i = 0; i < n; ++i) {
          const double turn = 2 * uniform(1000 + 50 * n * draw + n * point + i) - 1;
          moved[i] += turn * eps * (std::abs(x[i]) + 1);
        }
        CHECK(loss(moved, target) < s->raised);
      }
    }
  }

  TEST_CASE("a wider box and a less certain target are sharper") {
    const std::vector<double> logits{3, 1, -2, 0.5};
    CHECK(sharpness(logits, 0, 1e-3)->phi < sharpness(logits, 0, 2e-3)->phi);
    CHECK(sharpness(logits, 0, 1e-3)->loss < sharpness(logits, 2, 1e-3)->loss);
  }

  TEST_CASE("huge logits neither overflow nor vanish") {
    const std::vector<double> logits{0x1p+120, 0, -0x1p+120};
    CHECK(sharpness(logits, 0, 1e-3)->phi == 0);
    const auto wrong = sharpness(logits, 2, 1e-3);
    CHECK(wrong->loss == 0x1p+121);
    // 100 eps (|x_0| + |x_2|) / (1 + f), that is 100 eps.
    CHECK(wrong->phi == doctest::Approx(0.1).epsilon(1e-12));
  }

  TEST_CASE("absent classes count nothing; NaN, infinity and an absent target have no sharpness") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto plain = sharpness(std::vector<double>{1, 2}, 0, 0.01);
    const auto masked = sharpness(std::vector<double>{1, -infinity, 2}, 0, 0.01);
    CHECK(masked->phi == plain->phi);
    CHECK_FALSE(sharpness(std::vector<double>{1, -infinity}, 1, 0.01));
    CHECK_FALSE(sharpness(std::vector<double>{1, infinity}, 0, 0.01));
    CHECK_FALSE(sharpness(std::vector<double>{1, std::nan("")}, 0, 0.01));
    CHECK(largest_logit(std::vector<double>{1, 4, 4}) == 1);
    CHECK(largest_logit(std::vector<double>{std::nan(""), -infinity, 0}) == 2);
  }
}
