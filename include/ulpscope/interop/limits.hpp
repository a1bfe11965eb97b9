// std::numeric_limits for Soft numbers, so that generic C++ code can ask a format its limits.
//
//   std::numeric_limits<Soft<bf16>>::epsilon() == Soft<bf16>(0x1p-7)
//   std::numeric_limits<Soft<e4m3fn>>::max() == Soft<e4m3fn>(448.0)
//
// Counted as the standard counts: digits includes the hidden bit, exponents are those of a
// significand in [1/2, 1). Where a format lacks what a member names, the member is what stands for
// it: infinity() is what the rounding makes of an infinite value (NaN in e4m3fn, 6 in e2m1fn),
// quiet_NaN() likewise, denorm_min() is min() without subnormals, lowest() the code 0 without a
// sign; the has_ members tell. Limits: epsilon and round_error, like the standard's, speak of the
// numbers around 1; a format that has no 1 there gives what it rounds to.
// Host only. Tested by tests/interop/limits_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

#include <limits>

namespace ulpscope::detail {

// A positive number as 124 significant bits and an exponent, ready to be multiplied by ten.
struct Scaled {
  uint128 significand;
  int exponent;

  constexpr Scaled(uint128 x, int power) : significand(x), exponent(power) {
    const int up = 124 - bit_width(x);
    significand = up >= 0 ? x << up : x >> -up;
    exponent -= up;
  }
  constexpr Scaled times_ten() const { return {significand * 10, exponent}; }
  friend constexpr bool operator>=(const Scaled& x, const Scaled& y) {
    return x.exponent != y.exponent ? x.exponent > y.exponent : x.significand >= y.significand;
  }
};

// Powers of ten are exact up to 10^53 and after that 2^-120 off a step; the ends of a format's
// range do not come that close to them.
constexpr int floor_log10(Scaled x) {
  constexpr Scaled one{1, 0};
  int exponent = 0;
  for (; !(x >= one); x = x.times_ten()) --exponent;
  for (Scaled power = one.times_ten(); x >= power; power = power.times_ten()) ++exponent;
  return exponent;
}

// 1 is the only power of two that is one of ten.
constexpr int ceil_log10_of_power_of_two(int exponent) {
  return floor_log10({1, exponent}) + (exponent == 0 ? 0 : 1);
}

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

constexpr bool is_ieee_mode(Mode mode) {
  switch (mode) {
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::toward_zero:
    case Mode::up:
    case Mode::down: return true;
    case Mode::nearest_zero:
    case Mode::away:
    case Mode::to_odd: return false;
  }
  return false;
}

}  // namespace ulpscope::detail

template <ulpscope::Format F, ulpscope::Rounding R>
class std::numeric_limits<ulpscope::Soft<F, R>> {
  using Number = ulpscope::Soft<F, R>;
  using Code = typename Number::Code;
  static constexpr Code largest_bits = ulpscope::largest_finite_bits<Code>(F);
  static constexpr auto largest = ulpscope::decode<ulpscope::uint128>(F, largest_bits);
  static constexpr Code first_normal_bits =
      F.zero == ulpscope::Zero::none ? Code{0} : Code{1} << F.trailing_bits;
  static constexpr Code first_nan_bits = largest_bits + (ulpscope::has_infinity(F) ? 2 : 1);

 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = F.sign == ulpscope::Sign::present;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = false;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr bool has_infinity = ulpscope::has_infinity(F);
  static constexpr bool has_quiet_NaN = ulpscope::has_nan(F);
  static constexpr bool has_signaling_NaN = ulpscope::is_signalling(F, first_nan_bits);
  // A layout that IEEE 754 could have, and a rounding that it has.
  static constexpr bool is_iec559 =
      F == ulpscope::ieee_like(F.exponent_bits, F.trailing_bits) && has_quiet_NaN &&
      R.policy.overflow == ulpscope::Overflow::standard &&
      R.policy.flush == ulpscope::Flush::none && ulpscope::detail::is_ieee_mode(R.mode);
  static constexpr std::float_denorm_style has_denorm =
      F.trailing_bits > 0 && F.subnormals == ulpscope::Subnormals::present ? std::denorm_present
                                                                           : std::denorm_absent;
  static constexpr bool has_denorm_loss = false;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = true;
  static constexpr std::float_round_style round_style = ulpscope::detail::round_style(R.mode);

  // IEEE-like formats of one exponent bit have no normal numbers: the smallest subnormal then.
  static constexpr Number min() noexcept {
    return first_normal_bits <= largest_bits ? Number::from_bits(first_normal_bits) : denorm_min();
  }
  static constexpr Number max() noexcept { return Number::from_bits(largest_bits); }
  static constexpr Number lowest() noexcept { return is_signed ? -max() : Number::from_bits(0); }
  static constexpr Number denorm_min() noexcept {
    return Number::from_bits(ulpscope::smallest_positive_bits<Code>(F));
  }
  static constexpr Number epsilon() noexcept {
    constexpr ulpscope::Exact<ulpscope::uint128> ulp_of_one{
        .significand = 1,
        .exponent = (ulpscope::emin(F) > 0 ? ulpscope::emin(F) : 0) - F.trailing_bits,
        .kind = ulpscope::Kind::finite};
    return Number::from_bits(
        ulpscope::round_pack<Code>(F, ulp_of_one, ulpscope::nearest_even).bits);
  }
  // The largest error of one operation in units of the last place.
  static constexpr Number round_error() noexcept {
    return Number(round_style == std::round_to_nearest ? 0.5 : 1.0);
  }
  static constexpr Number infinity() noexcept {
    return has_infinity ? Number::from_bits(ulpscope::infinity_bits<Code>(F))
                        : Number(std::numeric_limits<double>::infinity());
  }
  static constexpr Number quiet_NaN() noexcept {
    return Number::from_bits(ulpscope::nan_bits<Code>(F));
  }
  static constexpr Number signaling_NaN() noexcept {
    return has_signaling_NaN ? Number::from_bits(first_nan_bits) : quiet_NaN();
  }

  // 30103/100000 is log10(2) to a part in 10^7, enough for 64 digits.
  static constexpr int radix = 2;
  static constexpr int digits = ulpscope::precision(F);
  static constexpr int digits10 = (digits - 1) * 30103 / 100000;
  static constexpr int max_digits10 = 2 + digits * 30103 / 100000;
  static constexpr int min_exponent = ulpscope::emin(F) + 1;
  static constexpr int max_exponent = ulpscope::exponent_of(largest) + 1;
  static constexpr int min_exponent10 =
      ulpscope::detail::ceil_log10_of_power_of_two(min_exponent - 1);
  static constexpr int max_exponent10 =
      ulpscope::detail::floor_log10({largest.significand, largest.exponent});
};
