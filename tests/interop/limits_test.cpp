#include "ulpscope/interop/limits.hpp"

#include "ulpscope/format/p3109.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Every member of the standard's own limits against ours of the same format.
template <class Host, class Number>
void check_same_limits() {
  using H = std::numeric_limits<Host>;
  using N = std::numeric_limits<Number>;
  CHECK(N::is_specialized);
  CHECK(N::is_signed == H::is_signed);
  CHECK(N::is_integer == H::is_integer);
  CHECK(N::is_exact == H::is_exact);
  CHECK(N::is_bounded == H::is_bounded);
  CHECK(N::is_modulo == H::is_modulo);
  CHECK(N::is_iec559 == H::is_iec559);
  CHECK(N::has_infinity == H::has_infinity);
  CHECK(N::has_quiet_NaN == H::has_quiet_NaN);
  CHECK(N::has_signaling_NaN == H::has_signaling_NaN);
  CHECK(N::has_denorm == H::has_denorm);
  CHECK(N::round_style == H::round_style);
  CHECK(N::radix == H::radix);
  CHECK(N::digits == H::digits);
  CHECK(N::digits10 == H::digits10);
  CHECK(N::max_digits10 == H::max_digits10);
  CHECK(N::min_exponent == H::min_exponent);
  CHECK(N::max_exponent == H::max_exponent);
  CHECK(N::min_exponent10 == H::min_exponent10);
  CHECK(N::max_exponent10 == H::max_exponent10);
  CHECK(N::min() == Number(H::min()));
  CHECK(N::max() == Number(H::max()));
  CHECK(N::lowest() == Number(H::lowest()));
  CHECK(N::epsilon() == Number(H::epsilon()));
  CHECK(N::round_error() == Number(H::round_error()));
  CHECK(N::infinity() == Number(H::infinity()));
  CHECK(N::denorm_min() == Number(H::denorm_min()));
  CHECK(isnan(N::quiet_NaN()));
}

// What a walk over every code finds, against what the limits say.
template <Format F>
void check_against_every_code() {
  using Number = Soft<F>;
  using N = std::numeric_limits<Number>;
  double largest = -1e300;
  double lowest = 1e300;
  double smallest = 1e300;
  double smallest_normal = 1e300;
  double after_one = 1e300;
  for (uint64_t bits = 0; bits < uint64_t{1} << width(F); ++bits) {
    if (!is_finite(F, bits)) continue;
    const auto x = static_cast<double>(Number::from_bits(bits));
    largest = std::max(largest, x);
    lowest = std::min(lowest, x);
    if (x > 0) smallest = std::min(smallest, x);
    if (x > 0 && !is_subnormal(F, bits)) smallest_normal = std::min(smallest_normal, x);
    if (x > 1) after_one = std::min(after_one, x);
  }
  CAPTURE(F.exponent_bits);
  CAPTURE(F.trailing_bits);
  CHECK(static_cast<double>(N::max()) == largest);
  CHECK(static_cast<double>(N::lowest()) == lowest);
  CHECK(static_cast<double>(N::denorm_min()) == smallest);
  CHECK(static_cast<double>(N::min()) == smallest_normal);
  CHECK(static_cast<double>(N::epsilon()) == after_one - 1);
  CHECK((N::has_denorm == std::denorm_present) == (smallest < smallest_normal));
  CHECK(std::ilogb(largest) == N::max_exponent - 1);
  CHECK(std::ilogb(smallest_normal) == N::min_exponent - 1);
  CHECK(std::pow(10, N::max_exponent10) <= largest);
  CHECK(std::pow(10, N::max_exponent10 + 1) > largest);
  CHECK(std::pow(10, N::min_exponent10) >= smallest_normal);
  CHECK(std::pow(10, N::min_exponent10 - 1) < smallest_normal);
  CHECK(N::has_infinity == std::isinf(static_cast<double>(N::infinity())));
  CHECK(N::has_quiet_NaN == isnan(N::quiet_NaN()));
}

}  // namespace

TEST_CASE("the limits are what a walk over every code finds") {
  check_against_every_code<e4m3fn>();
  check_against_every_code<e5m2>();
  check_against_every_code<e4m3>();
  check_against_every_code<e4m3fnuz>();
  check_against_every_code<e5m2fnuz>();
  check_against_every_code<e2m3fn>();
  check_against_every_code<e2m1fn>();
  check_against_every_code<e8m0fnu>();
  check_against_every_code<ieee_like(5, 0)>();
  check_against_every_code<*p3109_format({8, 3, Sign::present, Domain::extended})>();
  check_against_every_code<*p3109_format({8, 4, Sign::absent, Domain::extended})>();
  check_against_every_code<Format{
      .exponent_bits = 4, .trailing_bits = 3, .bias = 7, .subnormals = Subnormals::absent}>();
}

TEST_CASE("where infinity or NaN is missing its member is what stands for it") {
  CHECK(isnan(std::numeric_limits<Soft<e4m3fn>>::infinity()));
  using Saturating = Soft<e4m3fn, saturating(nearest_even)>;
  CHECK(std::numeric_limits<Saturating>::infinity() == Saturating(448.0));
  using E2M1 = Soft<e2m1fn>;
  CHECK(std::numeric_limits<E2M1>::infinity() == E2M1(6.0));
  CHECK(std::numeric_limits<E2M1>::quiet_NaN() == E2M1(6.0));
  CHECK(std::numeric_limits<Soft<e8m0fnu>>::lowest() == Soft<e8m0fnu>(0x1p-127));
  CHECK_FALSE(std::numeric_limits<Soft<e8m0fnu>>::is_signed);
}

TEST_CASE("a format wider than binary64 has limits too") {
  using N = std::numeric_limits<Soft<ieee_like(15, 63)>>;
  using H = std::numeric_limits<long double>;  // x87: the same numbers
  CHECK(N::digits == H::digits);
  CHECK(N::digits10 == H::digits10);
  CHECK(N::max_digits10 == H::max_digits10);
  CHECK(N::min_exponent == H::min_exponent);
  CHECK(N::max_exponent == H::max_exponent);
  CHECK(N::min_exponent10 == H::min_exponent10);
  CHECK(N::max_exponent10 == H::max_exponent10);
  CHECK(static_cast<double>(N::epsilon()) == static_cast<double>(H::epsilon()));
  CHECK(N::max().bits() + 1 == N::infinity().bits());
}

TEST_CASE("a signalling NaN is one where the format has two kinds") {
  CHECK(std::numeric_limits<Soft<bf16>>::signaling_NaN().bits() == 0x7F81);
  CHECK(std::numeric_limits<Soft<bf16>>::has_signaling_NaN);
  CHECK_FALSE(std::numeric_limits<Soft<ieee_like(5, 1)>>::has_signaling_NaN);
  CHECK_FALSE(std::numeric_limits<Soft<e4m3fn>>::has_signaling_NaN);
}

TEST_CASE("IEC 559 is a matter of the layout and of the rounding") {
  CHECK(std::numeric_limits<Soft<bf16>>::is_iec559);
  CHECK(std::numeric_limits<Soft<bf16, upward>>::is_iec559);
  CHECK_FALSE(std::numeric_limits<Soft<bf16, to_odd>>::is_iec559);
  CHECK_FALSE(std::numeric_limits<Soft<bf16, saturating(nearest_even)>>::is_iec559);
  CHECK_FALSE(std::numeric_limits<Soft<e4m3fn>>::is_iec559);
  CHECK_FALSE(std::numeric_limits<Soft<ieee_like(5, 0)>>::is_iec559);  // no code for NaN
}

TEST_CASE("binary32 and binary64 have the limits of the host's float and double") {
  check_same_limits<float, Soft<fp32>>();
  check_same_limits<double, Soft<fp64>>();
}

TEST_CASE("the 8-bit formats have the limits of OCP's table") {
  using E4M3 = std::numeric_limits<Soft<e4m3fn>>;
  CHECK(E4M3::max() == Soft<e4m3fn>(448.0));
  CHECK(E4M3::min() == Soft<e4m3fn>(0x1p-6));
  CHECK(E4M3::denorm_min() == Soft<e4m3fn>(0x1p-9));
  CHECK(E4M3::epsilon() == Soft<e4m3fn>(0.125));
  CHECK_FALSE(E4M3::has_infinity);
  CHECK_FALSE(E4M3::is_iec559);
  CHECK(E4M3::max_exponent == 9);
  CHECK(E4M3::max_exponent10 == 2);
  CHECK(E4M3::min_exponent10 == -1);
  using E5M2 = std::numeric_limits<Soft<e5m2>>;
  CHECK(E5M2::max() == Soft<e5m2>(57344.0));
  CHECK(E5M2::has_infinity);
  CHECK(E5M2::max_exponent == 16);
}

TEST_CASE("decimal exponents are right where the ends of the range meet powers of ten") {
  // E2M1 of OCP's MX: the smallest normal number is 1, the largest 6.
  using E2M1 = std::numeric_limits<Soft<e2m1fn>>;
  CHECK(E2M1::min_exponent10 == 0);
  CHECK(E2M1::max_exponent10 == 0);
  CHECK_FALSE(E2M1::has_quiet_NaN);
  // Reaches 1.75 x 2^9 = 896, in the binade of 1000 and below it.
  using Below1000 = std::numeric_limits<Soft<Format{4, 2, 6, Infinity::absent, Nan::none}>>;
  CHECK(Below1000::max_exponent10 == 2);
}

TEST_CASE("the round style is the mode's") {
  CHECK(std::numeric_limits<Soft<bf16, toward_zero>>::round_style == std::round_toward_zero);
  CHECK(std::numeric_limits<Soft<bf16, upward>>::round_style == std::round_toward_infinity);
  CHECK(std::numeric_limits<Soft<bf16, downward>>::round_style == std::round_toward_neg_infinity);
  CHECK(std::numeric_limits<Soft<bf16, to_odd>>::round_style == std::round_indeterminate);
}
