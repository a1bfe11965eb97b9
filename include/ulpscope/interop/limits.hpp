// std::numeric_limits for Soft numbers, so that generic C++ code can ask a format its limits.
//
//   std::numeric_limits<Soft<bf16>>::epsilon() == Soft<bf16>(0x1p-7)
//   std::numeric_limits<Soft<e4m3fn>>::max() == Soft<e4m3fn>(448.0)
//
// Counted as the standard counts: digits includes the hidden bit, exponents are those of a
// significand in [1/2, 1). Limits: formats whose values binary64 holds, in which the decimal
// exponents are found, and that have normal numbers (not e1mY). In a format without infinity or
// NaN the function of that name returns whatever number has the code; ask has_infinity first.
// Host only. Tested by tests/interop/limits_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/format/subset.hpp"

#include <limits>

namespace ulpscope::detail {

// floor(log10 x) of a positive x; the powers compared with are exact up to 10^22, and no format's
// end of range lies closer to a larger one than their error.
constexpr int floor_log10(double x) {
  int exponent = 0;
  for (; x < 1; x *= 10) --exponent;
  for (double power = 1; power <= x / 10; power *= 10) ++exponent;
  return exponent;
}

// ceil(log10 x) of a power of two: 1 is the only power of ten among them.
constexpr int ceil_log10(double x) { return floor_log10(x) + (x < 1 || x > 1 ? 1 : 0); }

constexpr std::float_round_style round_style(Mode mode) {
  switch (mode) {
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_zero: return std::round_to_nearest;
    case Mode::toward_zero: return std::round_toward_zero;
    case Mode::up: return std::round_toward_infinity;
    case Mode::down: return std::round_toward_neg_infinity;
    case Mode::away:
    case Mode::to_odd: return std::round_indeterminate;
  }
  return std::round_indeterminate;
}

}  // namespace ulpscope::detail

template <ulpscope::Format F, ulpscope::Rounding R>
requires(ulpscope::is_subset(F, ulpscope::fp64) &&
         F.exponent_bits > 1) class std::numeric_limits<ulpscope::Soft<F, R>> {
  using Number = ulpscope::Soft<F, R>;
  static constexpr int largest_field =
      static_cast<int>(ulpscope::largest_finite_bits(F) >> F.trailing_bits);
  static constexpr uint64_t smallest_normal_bits = uint64_t{1} << F.trailing_bits;

 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = F.sign == ulpscope::Sign::present;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = false;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr bool is_iec559 =
      F.nan == ulpscope::Nan::ieee && F.sign == ulpscope::Sign::present;
  static constexpr bool has_infinity = ulpscope::has_infinity(F);
  static constexpr bool has_quiet_NaN = ulpscope::has_nan(F);
  static constexpr bool has_signaling_NaN = false;
  static constexpr std::float_denorm_style has_denorm =
      F.trailing_bits > 0 ? std::denorm_present : std::denorm_absent;
  static constexpr bool has_denorm_loss = false;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = true;
  static constexpr std::float_round_style round_style = ulpscope::detail::round_style(R.mode);

  static constexpr Number min() noexcept { return Number::from_bits(smallest_normal_bits); }
  static constexpr Number max() noexcept {
    return Number::from_bits(ulpscope::largest_finite_bits(F));
  }
  static constexpr Number lowest() noexcept { return -max(); }
  static constexpr Number epsilon() noexcept {
    return Number(1.0 / static_cast<double>(smallest_normal_bits));
  }
  // The largest error of one operation in units of the last place.
  static constexpr Number round_error() noexcept {
    return Number(round_style == std::round_to_nearest ? 0.5 : 1.0);
  }
  static constexpr Number infinity() noexcept {
    return Number::from_bits(ulpscope::infinity_bits(F));
  }
  static constexpr Number quiet_NaN() noexcept { return Number::from_bits(ulpscope::nan_bits(F)); }
  static constexpr Number signaling_NaN() noexcept { return quiet_NaN(); }
  static constexpr Number denorm_min() noexcept { return Number::from_bits(1); }

  // 30103/100000 is log10(2) to a part in 10^7, enough for 53 digits.
  static constexpr int radix = 2;
  static constexpr int digits = ulpscope::precision(F);
  static constexpr int digits10 = (digits - 1) * 30103 / 100000;
  static constexpr int max_digits10 = 2 + digits * 30103 / 100000;
  static constexpr int min_exponent = ulpscope::emin(F) + 1;
  static constexpr int max_exponent = largest_field - F.bias + 1;
  static constexpr int min_exponent10 = ulpscope::detail::ceil_log10(static_cast<double>(min()));
  static constexpr int max_exponent10 = ulpscope::detail::floor_log10(static_cast<double>(max()));
};
