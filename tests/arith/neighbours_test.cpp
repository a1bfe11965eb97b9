// Neighbours and ulps against sorted tables of all values, and against the host's nextafter.
#include "ulpscope/arith/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// The distinct values but NaN, in order; one zero.
std::vector<double> ladder(const Format& f) {
  std::vector<double> sorted;
  for (const double value : plain::values(f)) {
    if (!std::isnan(value)) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end(), plain::equal), sorted.end());
  return sorted;
}

uint64_t lowest_code(const Format& f) {
  if (f.sign == Sign::absent) return 0;
  return sign_mask(f) | (has_infinity(f) ? infinity_bits(f) : largest_finite_bits(f));
}
uint64_t highest_code(const Format& f) {
  return has_infinity(f) ? infinity_bits(f) : largest_finite_bits(f);
}

template <class Float, class Bits>
int host_mismatches(const Format& f) {
  std::mt19937_64 random(5);
  int mismatches = 0;
  for (int i = 0; i < 200'000; ++i) {
    auto code = static_cast<Bits>(random());
    if (i < 64) code = static_cast<Bits>((i % 2 == 0 ? Bits{0} : sign_mask(f)) + Bits(i / 2));
    const auto x = bit_cast<Float>(code);
    if (std::isnan(x)) continue;
    const Float up = std::nextafter(x, std::numeric_limits<Float>::infinity());
    const Float down = std::nextafter(x, -std::numeric_limits<Float>::infinity());
    const bool same = next_up(f, code).bits == bit_cast<Bits>(up) &&
                      next_down(f, code).bits == bit_cast<Bits>(down);
    mismatches += same ? 0 : 1;
  }
  return mismatches;
}

}  // namespace

TEST_CASE("walking up from the lowest number visits every number once and ends at the highest") {
  for (const auto& [name, f] : plain::small_formats()) {
    const auto values = ladder(f);
    uint64_t code = lowest_code(f);
    std::set<uint64_t> visited;
    bool rises = true;
    for (const double value : values) {
      rises = rises && plain::equal(plain::value(f, code), value);
      visited.insert(code);
      if (code != highest_code(f)) code = next_up(f, code).bits;
    }
    CHECK_MESSAGE(rises, name);
    CHECK_MESSAGE(code == highest_code(f), name);
    CHECK_MESSAGE(visited.size() == values.size(), name);
  }
}

TEST_CASE("walking down is walking up backwards") {
  for (const auto& [name, f] : plain::small_formats()) {
    auto values = ladder(f);
    std::reverse(values.begin(), values.end());
    uint64_t code = highest_code(f);
    bool falls = true;
    for (const double value : values) {
      falls = falls && plain::equal(plain::value(f, code), value);
      if (value > values.back()) code = next_down(f, code).bits;
    }
    CHECK_MESSAGE(falls, name);
    CHECK_MESSAGE(code == lowest_code(f), name);
  }
}

TEST_CASE("a binary16 walk from -infinity to infinity takes every code but one zero") {
  uint64_t code = 0xFC00;
  int steps = 0;
  while (code != 0x7C00) {
    code = next_up(fp16, code).bits;
    ++steps;
  }
  CHECK(steps == 2 * 0x7C00);
  CHECK(steps_between(fp16, 0xFC00, 0x7C00) == steps);
}

TEST_CASE("neighbours of binary32 and binary64 are the host's") {
  CHECK(host_mismatches<float, uint32_t>(fp32) == 0);
  CHECK(host_mismatches<double, uint64_t>(fp64) == 0);
}

TEST_CASE("both zeros have the smallest numbers as neighbours, and give way to the signed zero") {
  CHECK(next_up(fp16, 0x8000).bits == 0x0001);
  CHECK(next_down(fp16, 0x0000).bits == 0x8001);
  CHECK(next_up(fp16, 0x8001).bits == 0x8000);
  CHECK(next_down(fp16, 0x0001).bits == 0x0000);
  CHECK(next_up(e4m3fnuz, 0x81).bits == 0x00);
}

TEST_CASE("beyond the last number stands infinity, else NaN, else the number itself") {
  CHECK(next_up(fp16, 0x7BFF).bits == 0x7C00);
  CHECK(next_up(fp16, 0x7BFF).flags == Flag::none);
  CHECK(next_up(fp16, 0x7C00).bits == 0x7C00);
  CHECK(next_up(fp16, 0xFC00).bits == 0xFBFF);
  CHECK(next_down(e4m3fn, 0xFE).bits == 0x7F);
  CHECK(next_down(e4m3fn, 0xFE).flags == Flag::invalid);
  CHECK(next_up(e4m3fnuz, 0x7F).bits == 0x80);
  CHECK(next_up(e2m1fn, 0x7).bits == 0x7);
  CHECK(next_up(e2m1fn, 0x7).flags == Flag::invalid);
  CHECK(next_down(e2m1fn, 0xF).bits == 0xF);
}

TEST_CASE("nothing lies below an unsigned format's lowest number") {
  CHECK(next_down(e8m0fnu, 0x00).bits == 0xFF);
  CHECK(next_down(e8m0fnu, 0x00).flags == Flag::invalid);
  const Format f = plain::p3109(8, 4, Sign::absent, Domain::extended);
  CHECK(next_down(f, 0x00).bits == 0x00);
  CHECK(next_down(f, 0x00).flags == Flag::invalid);
  CHECK(next_down(f, 0x01).flags == Flag::none);
}

TEST_CASE("the neighbour of a NaN is the NaN, invalid if it was signalling") {
  CHECK(next_up(fp16, 0xFE01).bits == 0x7E00);
  CHECK(next_up(fp16, 0xFE01).flags == Flag::none);
  CHECK(next_down(fp16, 0x7C01).flags == Flag::invalid);
  CHECK(next_up(e4m3fnuz, 0x80).bits == 0x80);
}

TEST_CASE("steps count the numbers between, whether zero is one of them or not") {
  for (const auto& [name, f] : plain::small_formats()) {
    const auto values = ladder(f);
    const auto position = [&](uint64_t code) {
      const double value = plain::value(f, code);
      return std::lower_bound(values.begin(), values.end(), value) - values.begin();
    };
    bool counted = true;
    for (uint64_t x = 0; x < plain::count(f); ++x) {
      for (uint64_t y = 0; y < plain::count(f); ++y) {
        if (is_nan(f, x) || is_nan(f, y)) continue;
        counted = counted && steps_between(f, x, y) == position(y) - position(x);
      }
    }
    CHECK_MESSAGE(counted, name);
  }
}

TEST_CASE("an ulp is the step away from zero, at the largest number that of its binade") {
  for (const auto& [name, f] : plain::small_formats()) {
    const double smallest = plain::value(f, smallest_positive_bits(f));
    bool good = true;
    for (uint64_t code = 0; code < plain::count(f); ++code) {
      const double value = std::fabs(plain::value(f, code));
      if (std::isnan(value)) continue;
      const double unit = plain::value(f, ulp(f, code));
      if (std::isinf(value)) {
        good = good && std::isinf(unit);
        continue;
      }
      const uint64_t magnitude = is_zero(f, code) ? 0 : code & magnitude_mask(f);
      const double step = magnitude == largest_finite_bits(f)
                              ? std::ldexp(1.0, std::ilogb(value) - f.trailing_bits)
                              : plain::value(f, next_up(f, magnitude).bits) - value;
      const double held = f.subnormals == Subnormals::present ? step : std::fmax(step, smallest);
      good = good && plain::equal(std::ldexp(1.0, quantum_exponent(f, code)), step) &&
             plain::equal(unit, held);
    }
    CHECK_MESSAGE(good, name);
  }
}

TEST_CASE("ulps of known numbers") {
  using B = Soft<bf16>;
  CHECK(static_cast<double>(ulp(B(1.0))) == 0x1p-7);
  CHECK(static_cast<double>(ulp(B(-1.9921875))) == 0x1p-7);
  CHECK(static_cast<double>(ulp(B(0.0))) == 0x1p-133);
  CHECK(static_cast<double>(ulp(B(-0x1p-126))) == 0x1p-133);
  CHECK(static_cast<double>(ulp(B::from_bits(0x7F7F))) == 0x1p120);
  CHECK(ulp(B::from_bits(0xFF80)).bits() == 0x7F80);
  CHECK(isnan(ulp(B::from_bits(0xFFC1))));
  CHECK(static_cast<double>(ulp(Soft<e8m0fnu>(8.0))) == 8.0);
  CHECK(quantum_exponent(e4m3fn, 0x7E) == 5);
}

TEST_CASE("codes of more than 64 bits have neighbours too") {
  using Wide = Soft<ieee_like(15, 63)>;
  const auto one = Wide(1.0);
  CHECK((next_up(one) - one) == ulp(one));
  CHECK(next_down(next_up(one)).bits() == one.bits());
  CHECK(next_up(Wide::from_bits(largest_finite_bits<uint128>(Wide::format))).bits() ==
        infinity_bits<uint128>(Wide::format));
}

static_assert(next_down(Soft<bf16>(1.0)) == Soft<bf16>(1.0 - 0x1p-8));
