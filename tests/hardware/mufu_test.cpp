#include "ulpscope/hardware/mufu.hpp"

#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <cmath>

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

uint32_t code(float x) { return bit_cast<uint32_t>(x); }
float value(uint32_t bits) { return bit_cast<float>(bits); }

TEST_CASE("ex2, lg2 and rcp give the bits that an H200 gave") {
  check_points("ex2.approx.ftz.f32", [](uint32_t x) { return mufu_ex2(mufu_sm90, x); });
  check_points("lg2.approx.ftz.f32", [](uint32_t x) { return mufu_lg2(mufu_sm90, x); });
  check_points("rcp.approx.ftz.f32", [](uint32_t x) { return mufu_rcp(mufu_sm90, x); });
}

TEST_CASE("ex2 of an integer is an exact power of two, and zero below -126") {
  for (int n = -126; n <= 127; ++n) {
    CHECK(mufu_ex2(mufu_sm90, code(static_cast<float>(n))) == code(std::ldexp(1.0F, n)));
  }
  CHECK(mufu_ex2(mufu_sm90, code(-127.0F)) == 0);
  CHECK(mufu_ex2(mufu_sm90, code(-126.5F)) == 0);
  CHECK(mufu_ex2(mufu_sm90, code(128.0F)) == detail::infinity32);
}

TEST_CASE("ex2 of anything below 2^-23 in magnitude is one") {
  CHECK(mufu_ex2(mufu_sm90, 0) == detail::one32);
  CHECK(mufu_ex2(mufu_sm90, code(-0x1.fffffep-24F)) == detail::one32);
  CHECK(mufu_ex2(mufu_sm90, code(-0x1p-23F)) < detail::one32);
}

TEST_CASE("a negative fraction is complemented, which makes it 2^-23 short") {
  // -2^-23 is -1 + (1 - 2^-23), but is taken as -1 + (1 - 2^-22).
  const uint32_t taken = mufu_ex2(mufu_sm90, code(1.0F - 0x1p-22F));
  CHECK(mufu_ex2(mufu_sm90, code(-0x1p-23F)) == taken - (uint32_t{1} << 23));
}

TEST_CASE("ex2 never falls over a whole octave of 23-bit fractions") {
  uint32_t before = 0;
  bool falls = false;
  for (uint32_t k = 0; k < uint32_t{1} << 23; ++k) {
    const auto sum =
        static_cast<uint32_t>(detail::interpolate<ex2_interpolator>(mufu_sm90.ex2, k) >> (57 - 23));
    falls = falls || sum < before;
    before = sum;
  }
  CHECK_FALSE(falls);
  CHECK(before < uint32_t{1} << 24);  // the last one stays below 2
}

// docs/numerics/mufu.md quotes these figures.
TEST_CASE("ex2 of negative fractions is low by 0.6 ulp on average") {
  double total = 0;
  double worst = 0;
  int count = 0;
  for (uint32_t k = 1; k < uint32_t{1} << 23; k += 5) {
    const double x = -std::ldexp(static_cast<double>(k), -23);
    const uint32_t y = mufu_ex2(mufu_sm90, code(static_cast<float>(x)));
    const double error = std::ldexp(static_cast<double>(value(y)) - std::exp2(x), 24);
    total += error;
    worst = std::min(worst, error);
    ++count;
  }
  CHECK(total / count == doctest::Approx(-0.61).epsilon(0.02));
  CHECK(worst > -2.1);
}

TEST_CASE("lg2 is exact at powers of two and +0 at one") {
  for (int n = -126; n <= 127; ++n) {
    const uint32_t y = mufu_lg2(mufu_sm90, code(std::ldexp(1.0F, n)));
    if (n == 0) CHECK(y == 0);
    CHECK(std::fabs(value(y) - static_cast<float>(n)) <= 0x1p-22F * std::fabs(value(y)));
  }
}

TEST_CASE("lg2 negates a sum by its complement") {
  // The sum is a multiple of the result's last place; its plain negation would end in 63.
  CHECK(mufu_lg2(mufu_sm90, 0x009F'4E2B) == 0xC2FB'5E62);
}

TEST_CASE("lg2 of zeros, subnormals, infinity, NaN and negative numbers") {
  CHECK(mufu_lg2(mufu_sm90, 0x8000'0000) == 0xFF80'0000);
  CHECK(mufu_lg2(mufu_sm90, 0x007F'FFFF) == 0xFF80'0000);
  CHECK(mufu_lg2(mufu_sm90, 0x807F'FFFF) == 0xFF80'0000);
  CHECK(mufu_lg2(mufu_sm90, 0x7F80'0000) == 0x7F80'0000);
  CHECK(mufu_lg2(mufu_sm90, 0xFFC0'0001) == gpu_nan);
  CHECK(mufu_lg2(mufu_sm90, code(-1.0F)) == gpu_nan);
}

TEST_CASE("rcp differs from the correctly rounded reciprocal on 13.2 % of significands") {
  uint32_t above = 0;
  uint32_t below = 0;
  for (uint32_t k = 0; k < uint32_t{1} << 23; ++k) {
    const uint32_t x = detail::one32 + k;
    const uint32_t y = mufu_rcp(mufu_sm90, x);
    const auto exact = code(static_cast<float>(1.0 / static_cast<double>(value(x))));
    above += y == exact + 1 ? 1 : 0;
    below += y + 1 == exact ? 1 : 0;
    if (y - exact + 1 > 2) CHECK(y == exact);
  }
  CHECK(above == 733'799);
  CHECK(below == 374'723);
}

TEST_CASE("rcp flushes what would be subnormal and keeps signs") {
  CHECK(mufu_rcp(mufu_sm90, code(0x1p126F)) == code(0x1p-126F));
  CHECK(mufu_rcp(mufu_sm90, code(-0x1.000002p126F)) == 0x8000'0000);
  CHECK(mufu_rcp(mufu_sm90, 0x8000'0001) == 0xFF80'0000);
  CHECK(mufu_rcp(mufu_sm90, 0xFF80'0000) == 0x8000'0000);
}

TEST_CASE("the squarer drops exactly the partial products of columns 0 to 18") {
  for (uint32_t x = 0; x < uint32_t{1} << 17; x += 13) {
    uint64_t kept = 0;
    for (int i = 0; i < 17; ++i) {
      for (int j = i; j < 17; ++j) {
        const int column = i == j ? 2 * i : i + j + 1;
        const bool both = (x >> i & 1) != 0 && (x >> j & 1) != 0;
        if (both && column >= 19) kept += uint64_t{1} << column;
      }
    }
    REQUIRE((uint64_t{detail::truncated_square(x)} << 19) == kept);
  }
}

}  // namespace
}  // namespace ulpscope
