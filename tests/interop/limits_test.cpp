#include "ulpscope/interop/limits.hpp"

#include <type_traits>

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

}  // namespace

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
  using E2M1 = std::numeric_limits<Soft<Format{2, 1, 1, Infinity::absent, Nan::none}>>;
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
