// 2^x, log2 x, e^x and ln x against Boost's 113-bit functions.
#include "ulpscope/arith/elementary.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <random>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Quad = boost::multiprecision::cpp_bin_float_quad;

// The promise of the header.
const Quad allowed = ldexp(Quad(1), -55);

Exact<uint64_t> exact(uint32_t bits) { return decode<uint64_t>(fp32, bits); }
uint32_t code(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

Quad value(const Exact<uint64_t>& x) {
  if (x.kind == Kind::zero) return 0;
  const Quad magnitude = ldexp(Quad(x.significand), x.exponent);
  return x.negative ? Quad(-magnitude) : magnitude;
}

Quad relative_error(const Exact<uint64_t>& found, const Quad& expected) {
  return abs((value(found) - expected) / expected);
}

const Quad ln_2 = log(Quad(2));

// Codes of binary32: |x| in [2^-low, 2^high), either sign.
uint32_t random_code(std::mt19937_64& random, int low, int high) {
  const auto field = static_cast<uint32_t>(127 - low) +
                     static_cast<uint32_t>(random() % static_cast<uint64_t>(low + high));
  return static_cast<uint32_t>(random() & 0x807F'FFFF) | field << 23;
}

}  // namespace

TEST_CASE("2^x is good to 2^-55 of itself") {
  std::mt19937_64 random(1);
  Quad worst = 0;
  for (int i = 0; i < 6000; ++i) {
    const uint32_t x = random_code(random, 40, 8);
    worst = std::max(worst, relative_error(exp2_value(exact(x)), exp(value(exact(x)) * ln_2)));
  }
  CHECK(worst < allowed);
}

TEST_CASE("e^x is good to 2^-55 of itself") {
  std::mt19937_64 random(2);
  Quad worst = 0;
  for (int i = 0; i < 6000; ++i) {
    const uint32_t x = random_code(random, 40, 7);
    worst = std::max(worst, relative_error(exp_value(exact(x)), exp(value(exact(x)))));
  }
  CHECK(worst < allowed);
}

TEST_CASE("log2 x and ln x are good to 2^-55 of themselves, near 1 too") {
  std::mt19937_64 random(3);
  Quad worst = 0;
  for (int i = 0; i < 6000; ++i) {
    uint32_t x = random_code(random, 126, 127) & 0x7FFF'FFFF;
    if (i % 3 == 0) x = 0x3F80'0000 + static_cast<uint32_t>(random() % 4096) - 2048;
    if (i % 100 == 1) x = static_cast<uint32_t>(random() & 0x7F'FFFF) | 1;  // subnormal
    if (x == 0x3F80'0000) continue;
    const Quad ln = log(value(exact(x)));
    worst = std::max(worst, relative_error(log_value(exact(x)), ln));
    worst = std::max(worst, relative_error(log2_value(exact(x)), ln / ln_2));
  }
  for (const uint32_t x : {0x3F80'0001u, 0x3F7F'FFFFu}) {
    worst = std::max(worst, relative_error(log2_value(exact(x)), log(value(exact(x))) / ln_2));
  }
  CHECK(worst < allowed);
}

TEST_CASE("whole powers and their logarithms are exact and not sticky") {
  for (int n = -149; n <= 127; ++n) {
    const uint32_t power =
        n < -126 ? uint32_t{1} << (n + 149) : static_cast<uint32_t>(n + 127) << 23;
    const auto log = log2_value(exact(power));
    CHECK_FALSE(log.sticky);
    CHECK(value(log) == n);
    const auto back = exp2_value(exact(code(n)));
    CHECK_FALSE(back.sticky);
    CHECK(value(back) == value(exact(power)));
  }
}

TEST_CASE("2^(1/2) is the square root of 2, and inexact") {
  const auto root = exp2_value(exact(code(0.5)));
  CHECK(root.sticky);
  CHECK(relative_error(root, sqrt(Quad(2))) < allowed);
}

TEST_CASE("zeros, infinities and NaN") {
  CHECK(value(exp2_value(exact(0))) == 1);
  CHECK(value(exp2_value(exact(0x8000'0000))) == 1);
  CHECK(value(exp_value(exact(0))) == 1);
  CHECK(exp2_value(exact(0x7F80'0000)).kind == Kind::infinity);
  CHECK(exp2_value(exact(0xFF80'0000)).kind == Kind::zero);
  CHECK(exp_value(exact(0xFF80'0000)).kind == Kind::zero);
  CHECK(exp2_value(exact(0x7FC0'0000)).kind == Kind::nan);
  CHECK(exp_value(exact(0x7FC0'0000)).kind == Kind::nan);
  CHECK(log2_value(exact(0x3F80'0000)).kind == Kind::zero);
  CHECK(log_value(exact(0x3F80'0000)).kind == Kind::zero);
}

TEST_CASE("operands near zero give 1 and a little") {
  for (const uint32_t x : {0x0000'0001u, 0x8000'0001u, 0x1000'0000u, 0x9000'0000u, 0x1F80'0000u}) {
    const auto y = exp2_value(exact(x));
    CHECK(y.sticky);
    CHECK(abs(value(y) - 1) <= ldexp(Quad(1), -62));
    CHECK(abs(value(exp_value(exact(x))) - 1) <= ldexp(Quad(1), -62));
  }
}

TEST_CASE("operands of any size give what rounds to infinity or to nothing") {
  for (const double x : {0x1p19, 0x1p20, 0x1p31, 0x1p62, 0x1p64, 0x1p100, 0x1.fffffep127}) {
    for (const auto& y : {exp2_value(exact(code(x))), exp_value(exact(code(x)))}) {
      CHECK(round_pack(fp32, y, nearest_even).bits == 0x7F80'0000);
      CHECK(round_pack(fp32, y, toward_zero).bits == 0x7F7F'FFFF);
    }
    for (const auto& y : {exp2_value(exact(code(-x))), exp_value(exact(code(-x)))}) {
      CHECK(round_pack(fp32, y, nearest_even).bits == 0);
      CHECK(round_pack(fp32, y, upward).bits == 1);
    }
  }
}

TEST_CASE("everything is a constant expression") {
  constexpr auto two = exp2_value(decode<uint64_t>(Format{8, 23, 127}, 0x3F80'0000));
  static_assert(two.significand == 1 && two.exponent == 1 && !two.sticky);
  constexpr auto e = exp_value(decode<uint64_t>(Format{8, 23, 127}, 0x3F80'0000));
  static_assert(round_pack(Format{8, 23, 127}, e, nearest_even).bits == 0x402D'F854);
  CHECK(e.sticky);
}
