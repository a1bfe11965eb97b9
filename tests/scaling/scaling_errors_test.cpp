// Counts and exact sums of errors.
#include "ulpscope/scaling/scaling_errors.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("mean, largest error and SQNR of four values") {
  ScalingErrors e;
  e.add(Float32(1.0), Float32(1.5));     // +0.5
  e.add(Float32(-2.0), Float32(-2.25));  // -0.25
  e.add(Float32(4.0), Float32(4.0));
  e.add(Float32(0.25), Float32(0.0));  // -0.25
  CHECK(e.count == 4);
  CHECK(e.unchanged == 1);
  CHECK(e.lost == 1);
  CHECK(e.skipped == 0);
  CHECK(e.mean() == doctest::Approx(0.0));
  CHECK(e.max_error() == doctest::Approx(0.5));
  const double signal = 1 + 4 + 16 + 0.0625;
  const double noise = 0.25 + 0.0625 + 0.0625;
  CHECK(e.sqnr_decibels() == doctest::Approx(10 * std::log10(signal / noise)));
}

TEST_CASE("what is not finite is skipped, on either side") {
  const Float32 infinity(std::numeric_limits<double>::infinity());
  const Float32 nan(std::numeric_limits<double>::quiet_NaN());
  ScalingErrors e;
  e.add(infinity, Float32(1.0));
  e.add(Float32(1.0), infinity);
  e.add(nan, nan);
  e.add(Float32(1.0), Float32(2.0));
  CHECK(e.count == 4);
  CHECK(e.skipped == 3);
  CHECK(e.mean() == doctest::Approx(1.0));
}

TEST_CASE("without errors the SQNR is infinite, without a signal there is none") {
  ScalingErrors e;
  CHECK(std::isnan(e.sqnr_decibels()));
  CHECK(e.mean() == doctest::Approx(0.0));
  e.add(Float32(0.0), Float32(-0.0));
  CHECK(std::isnan(e.sqnr_decibels()));
  CHECK(e.lost == 0);
  e.add(Float32(1.0), Float32(1.0));
  CHECK(std::isinf(e.sqnr_decibels()));
}

TEST_CASE("the sums are exact: small errors are not lost beside large ones, in any order") {
  ScalingErrors e;
  e.add(Float32(0.0), Float32(0x1p100));
  e.add(Float32(0.0), Float32(0x1p-149));
  e.add(Float32(0.0), Float32(-0x1p100));
  CHECK(e.mean() > 0);
  CHECK(e.mean() * 3 == doctest::Approx(0x1p-149));
  ScalingErrors alone;
  alone.add(Float32(0x1p-149), Float32(0x1p-148));
  CHECK(alone.sqnr_decibels() == doctest::Approx(0.0));
}

TEST_CASE("parts merge to the statistics of the whole") {
  std::mt19937_64 random(7);
  ScalingErrors whole;
  ScalingErrors parts[3];
  for (int i = 0; i < 3000; ++i) {
    const auto x = Float32::from_bits(static_cast<uint32_t>(random()));
    const auto y = Float32::from_bits(static_cast<uint32_t>(random()));
    whole.add(x, y);
    parts[random() % 3].add(x, y);
  }
  ScalingErrors merged = parts[2];
  merged.merge(parts[0]);
  merged.merge(parts[1]);
  CHECK(merged == whole);
}
