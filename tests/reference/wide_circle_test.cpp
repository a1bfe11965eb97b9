#include "ulpscope/reference/wide_circle.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Quad = boost::multiprecision::cpp_bin_float_quad;

// The larger error of the two over what is promised; at most 1.
double share_of_bound(double angle) {
  const SineCosine found = wide_circle(angle);
  const Quad x(angle);
  const Quad sine_error = abs(Quad(found.sine) - sin(x));
  const Quad cosine_error = abs(Quad(found.cosine) - cos(x));
  const Quad larger = sine_error > cosine_error ? sine_error : cosine_error;
  return Quad(larger / Quad(wide_circle_error)).convert_to<double>();
}

}  // namespace

TEST_SUITE("wide_circle") {
  TEST_CASE("random angles of every size stay within the bound") {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> exponent(-30, 20);
    std::uniform_real_distribution<double> significand(-1, 1);
    double worst = 0;
    for (int i = 0; i < 20'000; ++i) {
      worst = std::max(worst, share_of_bound(significand(random) * std::exp2(exponent(random))));
    }
    CHECK(worst <= 1);
    MESSAGE("worst share of the bound: ", worst);
  }

  TEST_CASE("so do the angles nearest to quarter turns") {
    double worst = 0;
    for (int64_t k = 0; k < 10'000; ++k) {
      const double angle = static_cast<double>(static_cast<float>(
          static_cast<double>(k) * 1.5707963267948966));  // as binary32 positions come
      worst = std::max(worst, share_of_bound(angle));
      worst = std::max(worst, share_of_bound(static_cast<double>(k) * 1.5707963267948966));
    }
    CHECK(worst <= 1);
  }

  TEST_CASE("zero is exact, and angles beyond 2^20 have no answer") {
    CHECK(wide_circle(0).sine == 0);
    CHECK(wide_circle(0).cosine == 1);
    CHECK_FALSE(std::isnan(wide_circle(0x1p20).sine));
    CHECK(std::isnan(wide_circle(0x1.1p20).sine));
    CHECK(std::isnan(wide_circle(std::numeric_limits<double>::quiet_NaN()).cosine));
    CHECK(std::isnan(wide_circle(-std::numeric_limits<double>::infinity()).cosine));
  }
}
