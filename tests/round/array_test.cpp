// Lanes against the core: formats, modes and policies.
#include "ulpscope/format/p3109.hpp"

#include <cmath>

#include "round/array_checks.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::vector<Policy> all_policies() {
  std::vector<Policy> policies;
  for (const auto overflow : {Overflow::standard, Overflow::infinity, Overflow::nan,
                              Overflow::saturate_finite, Overflow::saturate}) {
    for (const auto nan : {NanRule::canonical, NanRule::propagate, NanRule::all_ones}) {
      for (const auto flush : {Flush::none, Flush::inputs, Flush::outputs, Flush::both}) {
        policies.push_back({overflow, nan, flush});
      }
    }
  }
  return policies;
}

std::vector<Format> p3109_formats() {
  std::vector<Format> formats;
  for (int width = 3; width <= 16; ++width) {
    for (int precision = 1; precision <= width; ++precision) {
      for (const auto sign : {Sign::present, Sign::absent}) {
        for (const auto domain : {Domain::extended, Domain::finite}) {
          const auto f = p3109_format({width, precision, sign, domain});
          if (f) formats.push_back(*f);
        }
      }
    }
  }
  return formats;
}
// Nearest even on all of them, the other modes on some.
template <class Number>
void check_named_formats(const std::vector<Number>& x) {
  const auto some = every(17, x);
  for (const auto& row : catalogue) {
    if (width(row.format) > 16) continue;
    for (const Mode mode : all_modes) {
      const auto& numbers = mode == Mode::nearest_even ? x : some;
      if (width(row.format) <= 8) check_against_core<uint8_t>(numbers, row.format, {mode});
      if (width(row.format) > 8) check_against_core<uint16_t>(numbers, row.format, {mode});
    }
  }
}

}  // namespace

TEST_CASE("arrays of binary32 are rounded as the core rounds, to every named format of 16 bits") {
  check_named_formats(array_inputs_single());
}

TEST_CASE("arrays of binary64 are rounded as the core rounds, to every named format of 16 bits") {
  check_named_formats(every(3, array_inputs_double()));
}

TEST_CASE("without lanes the core rounds") {
  const auto x = every(499, array_inputs_single());
  const auto expected = expected_codes<uint16_t>(x, bf16, nearest_even);
  hwy::SetSupportedTargetsForTest(HWY_SCALAR);
  std::vector<uint16_t> found(x.size());
  round_array(x, bf16, nearest_even, found);
  const bool fast = is_vectorised(fp32, bf16, nearest_even);
  hwy::SetSupportedTargetsForTest(0);
  CHECK(found == expected);
  CHECK(fast == (HWY_ARCH_ARM_A64 != 0));  // where lanes are never missing
}

TEST_CASE("codes of 32 and 64 bits are the core's, too") {
  const auto singles = every(29, array_inputs_single());
  const auto doubles = every(29, array_inputs_double());
  for (const auto& row : catalogue) {
    for (const Mode mode : all_modes) {
      if (width(row.format) <= 32) {
        check_against_core<uint32_t>(singles, row.format, {mode});
        check_against_core<uint32_t>(doubles, row.format, {mode});
      }
      if (mode == Mode::nearest_even || mode == Mode::up) {
        check_against_core<uint64_t>(every(3, doubles), row.format, {mode});
      }
    }
  }
}

TEST_CASE("every policy on overflow, NaN and subnormals is kept") {
  const auto singles = every(307, array_inputs_single());
  const auto doubles = every(307, array_inputs_double());
  for (const auto& f : {bf16, fp16, e4m3fn, e5m2, e4m3fnuz, e3m2fn, e2m1fn, ieee_like(8, 0),
                        ieee_like(11, 4), ieee_like(5, 0)}) {
    for (const auto& policy : all_policies()) {
      for (const Mode mode : {Mode::nearest_even, Mode::down, Mode::to_odd}) {
        check_against_core<uint16_t>(singles, f, {mode, policy});
        check_against_core<uint16_t>(doubles, f, {mode, policy});
        if (width(f) <= 8) check_against_core<uint8_t>(singles, f, {mode, policy});
      }
    }
  }
}

TEST_CASE("just below the smallest normal number it depends on the mode what is flushed") {
  for (const auto& f : {bf16, fp16, tf32, e4m3fn, e4m3fnuz, e2m1fn, ieee_like(8, 0),
                        ieee_like(8, 1), ieee_like(11, 4), ieee_like(11, 0), ieee_like(5, 0)}) {
    // In steps of a sixteenth of an ulp of that binade, and next to each of them.
    std::vector<double> doubles;
    for (int i = 0; i <= 80; ++i) {
      const double x = std::ldexp(1 - std::ldexp(i, -f.trailing_bits - 5), emin(f));
      for (const double near : {std::nextafter(x, 0.0), x, std::nextafter(x, 1.0)}) {
        doubles.insert(doubles.end(), {near, -near});
      }
    }
    const std::vector<float> singles(doubles.begin(), doubles.end());
    for (const auto flush : {Flush::outputs, Flush::both}) {
      for (const Mode mode : all_modes) {
        const Rounding r{mode, {.flush = flush}};
        check_against_core<uint32_t>(doubles, f, r);
        check_against_core<uint32_t>(singles, f, r);
      }
      for (const int bits : {1, 8, 16, 28, 29, 30}) {
        const Stochastic r{Variant::a, bits, {.flush = flush}};
        check_draws(doubles, f, r, {.seed = 3});
        check_draws(singles, f, r, {.seed = 3});
      }
    }
  }
}

TEST_CASE("formats of P3109 and odd ones, in lanes or not, are the core's") {
  const auto singles = every(809, array_inputs_single());
  const auto doubles = every(809, array_inputs_double());
  auto formats = p3109_formats();
  for (const char* name : {"e8m3", "e8m0", "e5m0", "e1m6", "e2m5", "e6m9", "e9m6", "e10m5", "e11m4",
                           "e4m3fn-sub", "e4m3+noinf", "e5m3fn+inf", "e8m14", "e5m20", "e2m29"}) {
    const auto f = find_format(name);
    if (f) formats.push_back(*f);
  }
  for (const auto& f : formats) {
    for (const Mode mode : all_modes) {
      check_against_core<uint32_t>(singles, f, {mode});
      check_against_core<uint32_t>(doubles, f, {mode});
      if (width(f) <= 8) check_against_core<uint8_t>(singles, f, {mode});
      if (width(f) <= 8) check_against_core<uint8_t>(doubles, f, {mode});
    }
  }
}
