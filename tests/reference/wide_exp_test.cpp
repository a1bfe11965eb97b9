#include "ulpscope/reference/wide_exp.hpp"

#include "ulpscope/base/bits.hpp"

#include <cfenv>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Quad = boost::multiprecision::cpp_bin_float_quad;

constexpr double infinity = std::numeric_limits<double>::infinity();

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

// Error of wide_exp(x) over what is promised; at most 1.
double share_of_exp_bound(double x) {
  const Quad exact = exp(Quad(x));
  const Quad allowed = exact * wide_exp_error + ldexp(Quad(1), -1075);
  return Quad(abs(Quad(wide_exp(x)) - exact) / allowed).convert_to<double>();
}

double share_of_log_bound(double x) {
  const Quad exact = log(Quad(x));
  const Quad allowed = Quad(wide_log_error) + abs(exact) * ldexp(Quad(1), -53);
  return Quad(abs(Quad(wide_log(x)) - exact) / allowed).convert_to<double>();
}

double share_of_tanh_bound(double x) {
  const Quad exact = tanh(Quad(x));
  return Quad(abs(Quad(wide_tanh(x)) - exact) / abs(exact) / wide_tanh_error).convert_to<double>();
}

double share_of_slope_bound(double x) {
  const Quad cosh_x = cosh(Quad(x));
  const Quad exact = 1 / (cosh_x * cosh_x);
  const Quad allowed = exact * wide_tanh_slope_error + ldexp(Quad(1), -1072);
  return Quad(abs(Quad(wide_tanh_slope(x)) - exact) / allowed).convert_to<double>();
}

}  // namespace

TEST_CASE("tanh of zeros, infinities and NaN, and where it is one or x itself") {
  CHECK(bits_of(wide_tanh(0.0)) == 0);
  CHECK(bits_of(wide_tanh(-0.0)) == bits_of(-0.0));
  CHECK(bits_of(wide_tanh(0x1p-1074)) == 1);
  CHECK(bits_of(wide_tanh(-0x1p-500)) == bits_of(-0x1p-500));
  CHECK(bits_of(wide_tanh(20.0)) == bits_of(1.0));
  CHECK(bits_of(wide_tanh(-infinity)) == bits_of(-1.0));
  CHECK(std::isnan(wide_tanh(std::numeric_limits<double>::quiet_NaN())));
  CHECK(bits_of(wide_tanh_slope(-0.0)) == bits_of(1.0));
  CHECK(bits_of(wide_tanh_slope(infinity)) == 0);
  CHECK(std::isnan(wide_tanh_slope(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("tanh and its derivative stay within their bounds, on both sides of the change of form") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> near(-0.5, 0.5);
  std::uniform_real_distribution<double> all(-40, 40);
  std::uniform_real_distribution<double> tail(300, 380);
  std::uniform_real_distribution<double> octave(-200, 0);
  double worst = 0;
  double worst_slope = 0;
  const auto check = [&](double x) {
    worst = std::max(worst, share_of_tanh_bound(x));
    worst_slope = std::max(worst_slope, share_of_slope_bound(x));
  };
  for (int i = 0; i < 10000; ++i) {
    check(near(random));
    check(all(random));
    check(-std::exp2(octave(random)));
    worst_slope = std::max(worst_slope, share_of_slope_bound(tail(random)));
  }
  for (double x = 0.169999; x < 0.170001; x += 1e-10)
    worst = std::max(worst, share_of_tanh_bound(x));
  INFO("largest errors as shares of their bounds: " << worst << ", " << worst_slope);
  CHECK(worst < 1);
  CHECK(worst_slope < 1);
}

TEST_CASE("exp of the ends, the zeros, infinities and NaN") {
  CHECK(bits_of(wide_exp(0.0)) == bits_of(1.0));
  CHECK(bits_of(wide_exp(-0.0)) == bits_of(1.0));
  CHECK(bits_of(wide_exp(0x1p-1074)) == bits_of(1.0));
  CHECK(bits_of(wide_exp(-0x1p-54)) == bits_of(1.0));
  CHECK(bits_of(wide_exp(-infinity)) == 0);
  CHECK(bits_of(wide_exp(-1e300)) == 0);
  CHECK(bits_of(wide_exp(-746.0)) == 0);
  CHECK(bits_of(wide_exp(-745.13)) == 1);  // e^-745.13 = 1.01 x 2^-1075
  CHECK(bits_of(wide_exp(-745.14)) == 0);
  CHECK(bits_of(wide_exp(infinity)) == bits_of(infinity));
  CHECK(bits_of(wide_exp(709.79)) == bits_of(infinity));
  CHECK(std::isfinite(wide_exp(709.78)));
  CHECK(std::isnan(wide_exp(std::numeric_limits<double>::quiet_NaN())));
  CHECK(std::isnan(wide_exp(-std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("exp stays within its bound at 125,000 points") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> near(-1, 1);
  std::uniform_real_distribution<double> softmax(-40, 0);
  std::uniform_real_distribution<double> all(-708, 709.7);
  std::uniform_real_distribution<double> subnormal(-745.5, -708);
  std::uniform_real_distribution<double> octave(-60, 0);
  double worst = 0;
  double worst_subnormal = 0;
  for (int i = 0; i < 25000; ++i) {
    worst = std::max(worst, share_of_exp_bound(near(random)));
    worst = std::max(worst, share_of_exp_bound(softmax(random)));
    worst = std::max(worst, share_of_exp_bound(all(random)));
    worst = std::max(worst, share_of_exp_bound(-std::exp2(octave(random))));
    worst_subnormal = std::max(worst_subnormal, share_of_exp_bound(subnormal(random)));
  }
  INFO("largest error of wide_exp as a share of its bound: " << worst);
  CHECK(worst < 1);
  CHECK(worst_subnormal < 1);  // the half ulp of the last rounding is nearly all of it
}

TEST_CASE("exp stays within its bound where the reduction changes from k to k + 1") {
  double worst = 0;
  for (int k = -1075; k < 1024; ++k) {
    const double middle = (k + 0.5) * 0.69314718055994530942;
    double x = std::nextafter(std::nextafter(middle, -infinity), -infinity);
    for (int step = 0; step < 5; ++step, x = std::nextafter(x, infinity)) {
      if (x < 709.78) worst = std::max(worst, share_of_exp_bound(x));
    }
  }
  CHECK(worst < 1);
}

TEST_CASE("the array form gives the bits of the scalar form, in place and for any length") {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> all(-760, 720);
  for (const size_t n : {0u, 1u, 2u, 3u, 7u, 64u, 1001u}) {
    std::vector<double> x(n);
    for (double& value : x) value = all(random);
    if (n > 2) x[1] = -infinity;
    if (n > 3) x[2] = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> y = x;
    wide_exp(y.data(), y.data(), static_cast<int64_t>(n));
    for (size_t i = 0; i < n; ++i) {
      const double scalar = wide_exp(x[i]);
      REQUIRE((bits_of(y[i]) == bits_of(scalar) || (std::isnan(y[i]) && std::isnan(scalar))));
    }
  }
}

TEST_CASE("the array form does not see the host's rounding direction") {
  std::vector<double> x;
  for (int i = 0; i < 500; ++i) x.push_back(-1.37 * i);
  std::vector<double> nearest(x.size());
  std::vector<double> upward(x.size());
  wide_exp(x.data(), nearest.data(), 500);
  std::fesetround(FE_UPWARD);
  wide_exp(x.data(), upward.data(), 500);
  std::fesetround(FE_TONEAREST);
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(bits_of(nearest[i]) == bits_of(upward[i]));
}

TEST_CASE("log stays within its bound") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> octave(-1022, 1024);
  std::uniform_real_distribution<double> sum(1, 8192);
  std::uniform_real_distribution<double> near_one(0.7, 1.42);
  double worst = 0;
  for (int i = 0; i < 10000; ++i) {
    worst = std::max(worst, share_of_log_bound(std::exp2(octave(random))));
    worst = std::max(worst, share_of_log_bound(sum(random)));
    worst = std::max(worst, share_of_log_bound(near_one(random)));
  }
  INFO("largest error of wide_log as a share of its bound: " << worst);
  CHECK(worst < 1);
  CHECK(bits_of(wide_log(1.0)) == 0);
  CHECK(bits_of(wide_log(infinity)) == bits_of(infinity));
  CHECK(std::isnan(wide_log(std::numeric_limits<double>::quiet_NaN())));
  CHECK(std::isnan(wide_log(-1.0)));
}
