// x^k in binary32 against Boost's 113-bit pow.
#include "ulpscope/scaling/power.hpp"

#include <random>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Quad = boost::multiprecision::cpp_bin_float_quad;

Quad value(Float32 x) {
  const auto exact = exact_value(x);
  return ldexp(Quad(exact.significand), exact.exponent);
}

// Distance of a result from x^k in ulps of the result.
Quad error_ulp(Float32 x, Float32 k) {
  const auto found = exact_value(power(x, k));
  const Quad expected = pow(value(x), value(k));
  const Quad ulp = ldexp(Quad(1), std::max(exponent_of(found), -126) - 23);
  return abs(ldexp(Quad(found.significand), found.exponent) - expected) / ulp;
}

}  // namespace

TEST_CASE("a power is within 1/2 + 2^-22 ulp wherever the result is a binary32 number") {
  std::mt19937_64 random(1);
  Quad worst = 0;
  for (int i = 0; i < 20000; ++i) {
    const Float32 k(static_cast<double>(1 + random() % 64) / 8);
    const double reach = 120.0 / static_cast<double>(k);
    const auto binade =
        static_cast<int>(static_cast<double>(random() % 2001) / 1000 * reach - reach);
    const int held = std::clamp(binade, -126, 126);
    const auto code = static_cast<uint32_t>(held + 127) << 23 | (random() & 0x7F'FFFF);
    worst = std::max(worst, error_ulp(Float32::from_bits(static_cast<uint32_t>(code)), k));
  }
  CHECK(worst > 0.4);
  CHECK(worst < Quad(0.5) + ldexp(Quad(1), -22));
}

TEST_CASE("powers that are exact come out exact") {
  CHECK(power(Float32(9.0), Float32(0.5)) == Float32(3.0));
  CHECK(power(Float32(0.25), Float32(3.0)) == Float32(0.015625));
  CHECK(power(Float32(1.0), Float32(1 << 20)) == Float32(1.0));
  CHECK(power(Float32(7.0), Float32(1.0)) == Float32(7.0));
  CHECK(power(Float32(2.0), Float32(0.5)).bits() == 0x3FB504F3);
}

TEST_CASE("zero, infinity and NaN stay what they are") {
  CHECK(power(Float32(0.0), Float32(0.125)).bits() == 0);
  const auto infinity = Float32::from_bits(0x7F80'0000);
  CHECK(power(infinity, Float32(0.125)).bits() == infinity.bits());
  CHECK(isnan(power(Float32::from_bits(0x7FC0'0000), Float32(2.0))));
}

TEST_CASE("a power beyond the range overflows, one below it is zero") {
  CHECK(power(Float32(3.0), Float32(1 << 20)).bits() == 0x7F80'0000);
  CHECK(power(Float32(0.3), Float32(1 << 20)).bits() == 0);
}
