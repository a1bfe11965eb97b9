// Everything about a call but what the codes are: lengths, the host's state, draws, details,
// errors.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/subset.hpp"

#include <algorithm>
#include <cfenv>
#include <cmath>

#include "round/array_checks.hpp"
#include <doctest/doctest.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace ulpscope;

TEST_CASE("any length and any place in memory will do") {
  const auto x = every(1'999, array_inputs_single());
  const std::vector<float> some(x.begin(), x.begin() + 200);
  const auto bytes = expected_codes<uint8_t>(some, e4m3fn, nearest_even);
  const auto halves = expected_codes<uint16_t>(some, bf16, upward);
  on_every_target([&] {
    for (size_t length = 0; length < 196; ++length) {
      for (size_t from = 0; from < 4; ++from) {
        std::vector<uint8_t> codes(200, 0xA5);
        std::vector<uint16_t> wide(200, 0xA5A5);
        const auto part = std::span<const float>(some).subspan(from, length);
        round_array(part, e4m3fn, nearest_even, std::span<uint8_t>(codes).subspan(from, length));
        round_array(part, bf16, upward, std::span<uint16_t>(wide).subspan(from, length));
        bool good = true;
        for (size_t i = 0; i < 200; ++i) {
          const bool inside = i >= from && i < from + length;
          good = good && codes[i] == (inside ? bytes[i] : 0xA5) &&
                 wide[i] == (inside ? halves[i] : 0xA5A5);
        }
        CHECK_MESSAGE(good, "length ", length, " from ", from);
      }
    }
  });
}

namespace {

// Codes and values of a bit of everything that computes in floating point.
std::vector<uint32_t> fingerprint() {
  const auto singles = every(97, array_inputs_single());
  const auto doubles = every(97, array_inputs_double());
  std::vector<uint32_t> all;
  const auto keep = [&](const auto& x, const Format& f, Mode mode) {
    std::vector<uint32_t> codes(x.size());
    round_array(x, f, {mode}, codes);
    all.insert(all.end(), codes.begin(), codes.end());
    std::vector<float> values(x.size());
    round_values(x, f, {mode}, values);
    for (const float value : values) all.push_back(bit_cast<uint32_t>(value));
  };
  for (const auto& f : {bf16, fp16, e4m3fn, e2m1fn}) {
    for (const Mode mode : {Mode::nearest_even, Mode::up}) {
      keep(singles, f, mode);
      keep(doubles, f, mode);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("the host's rounding direction and flushing change no code and are left as they were") {
  const auto expected = fingerprint();
  on_every_target([&] {
    for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
      std::fesetround(direction);
      const auto found = fingerprint();
      const int after = std::fegetround();
      std::fesetround(FE_TONEAREST);
      CHECK(found == expected);
      CHECK(after == direction);
    }
#if defined(__x86_64__)
    constexpr unsigned flush_and_denormals_are_zero = 0x8040;
    const unsigned original = _mm_getcsr();
    _mm_setcsr(original | flush_and_denormals_are_zero);
    const auto found = fingerprint();
    const unsigned after = _mm_getcsr();
    _mm_setcsr(original);
    CHECK(found == expected);
    CHECK((after & flush_and_denormals_are_zero) == flush_and_denormals_are_zero);
#endif
  });
}

TEST_CASE("rounded values are the codes' values, in both widths") {
  const auto singles = every(101, array_inputs_single());
  const auto doubles = every(101, array_inputs_double());
  const auto check = [](const auto& x, const Format& f, Rounding r) {
    const auto codes = expected_codes<uint64_t>(x, f, r);
    std::vector<float> narrow(x.size());
    std::vector<double> wide(x.size());
    if (f != fp64) round_values(x, f, r, narrow);
    round_values(x, f, r, wide);
    size_t wrong = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto value = decode<uint128>(f, codes[i]);
      const auto as_float = round_pack(fp32, value, nearest_even).bits;
      wrong += f != fp64 && bit_cast<uint32_t>(narrow[i]) != as_float ? 1 : 0;
      wrong += bit_cast<uint64_t>(wide[i]) != round_pack(fp64, value, nearest_even).bits ? 1 : 0;
    }
    CHECK_MESSAGE(wrong == 0, format_name(f), " ", rounding_name(r));
  };
  on_every_target([&] {
    for (const auto& row : catalogue) {
      for (const Rounding r : {nearest_even, downward, saturating(nearest_even)}) {
        check(singles, row.format, r);
        check(doubles, row.format, r);
      }
    }
  });
}

TEST_CASE("random draws are those of random_bits, element by element") {
  const auto singles = every(101, array_inputs_single());
  const auto doubles = every(101, array_inputs_double());
  for (const auto& f : {bf16, fp16, e4m3fn, e5m2fnuz, e2m1fn, e8m0fnu}) {
    uint64_t element = 5;
    for (const int bits : {1, 2, 8, 15, 16, 17, 21, 22, 24, 29, 30, 31, 32, 33, 64}) {
      for (const auto variant : {Variant::a, Variant::b, Variant::c, Variant::exact}) {
        const Stochastic r{variant, bits};
        if (!is_valid(r)) continue;
        check_draws(singles, f, r, {.seed = 7, .site = 3, .element = element, .step = 2});
        check_draws(doubles, f, r, {.seed = ~uint64_t{0}, .element = (element << 40) - element});
        element += 13;
      }
    }
  }
}

TEST_CASE("with many draws the mean of a rounded array is the number itself") {
  const std::vector<float> x(1 << 20, 1.0F + 0x1p-9F);  // a quarter of the way to 1 + 2^-7
  std::vector<uint16_t> codes(x.size());
  round_array(x, bf16, Stochastic{Variant::a, 16}, {.seed = 1}, codes);
  const auto up = static_cast<double>(std::count(codes.begin(), codes.end(), 0x3F81));
  const double expected = 0.25 * static_cast<double>(x.size());
  const double deviation = std::sqrt(expected * 0.75);
  CHECK(std::abs(up - expected) < 5 * deviation);
}

TEST_CASE("residues and flags are those of round_pack") {
  const auto x = every(499, array_inputs_double());
  std::vector<uint8_t> codes(x.size());
  std::vector<int64_t> residues(x.size());
  std::vector<Flag> flags(x.size());
  round_array(x, e4m3fn, nearest_even, codes, Details{residues, flags});
  size_t wrong = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto one = round_pack(e4m3fn, exact(x[i], Flush::none), nearest_even);
    wrong += one.bits != codes[i] || one.residue != residues[i] || one.flags != flags[i] ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is fast is said") {
  const bool lanes = hwy::SupportedTargets() != HWY_SCALAR;
  CHECK(is_vectorised(fp32, bf16, nearest_even) == lanes);
  CHECK(is_vectorised(fp64, e4m3fn, upward) == lanes);
  CHECK(is_vectorised(fp64, e4m3fn, Stochastic{Variant::a, 16}) == lanes);
  CHECK_FALSE(is_vectorised(fp64, fp64, nearest_even));
  CHECK_FALSE(is_vectorised(fp32, e8m0fnu, nearest_even));
  CHECK_FALSE(is_vectorised(fp32, bf16, {Mode::nearest_even, {.nan = NanRule::propagate}}));
}

TEST_CASE("spans that do not fit are refused with the numbers that do not match") {
  const std::vector<float> x(3);
  std::vector<uint8_t> bytes(3);
  std::vector<uint8_t> few(2);
  std::vector<uint16_t> halves(3);
  std::vector<float> values(3);
  std::vector<int64_t> residues(4);
  CHECK_THROWS_WITH_AS(round_array(x, e4m3fn, nearest_even, few),
                       "round_array: 2 codes for 3 numbers", Error);
  CHECK_THROWS_WITH_AS(round_array(x, bf16, nearest_even, bytes),
                       "round_array: codes of bf16 have 16 bits, elements 8", Error);
  CHECK_THROWS_WITH_AS(round_array(x, bf16, nearest_even, halves, Details{residues, {}}),
                       "round_array: 4 residues for 3 numbers", Error);
  CHECK_THROWS_WITH_AS(round_array(x, bf16, Stochastic{Variant::a, 65}, {}, halves),
                       "round_array: 65 random bits; 1 to 64 expected, 64 for the exact variant",
                       Error);
  CHECK_THROWS_WITH_AS(round_values(x, fp64, nearest_even, values),
                       "round_values: fp32 does not hold every number of fp64", Error);
}
