#include "ulpscope/arith/soft.hpp"

#include "ulpscope/interop/doctest.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a number takes no more room than its code") {
  CHECK(sizeof(Soft<e4m3fn>) == 1);
  CHECK(sizeof(Soft<bf16>) == 2);
  CHECK(sizeof(Soft<tf32>) == 4);
  CHECK(sizeof(Soft<fp64>) == 8);
  CHECK(std::is_trivially_copyable_v<Soft<bf16>>);
  CHECK(Soft<bf16>().bits() == 0);
}

TEST_CASE("a double is rounded once, from its exact value") {
  CHECK(Soft<bf16>(1.0).bits() == 0x3F80);
  // Just above a tie of bf16, by less than binary32 can see: through float it would be a tie.
  CHECK(Soft<bf16>(1.0 + 0x1p-8 + 0x1p-40) == Soft<bf16>(1.0 + 0x1p-7));
  CHECK(Soft<bf16, toward_zero>(1.999).bits() == 0x3FFF);
  CHECK(Soft<e4m3fn>(1e300).bits() == 0x7F);
  CHECK(Soft<e4m3fn, saturating(nearest_even)>(-1e300).bits() == 0xFE);
}

TEST_CASE("floats and integers convert by value") {
  CHECK(Soft<fp32>(0.1F).bits() == 0x3DCCCCCD);
  CHECK(Soft<fp32>(0x1p-149F).bits() == 1);
  CHECK(Soft<fp64>(0x1p-149F) == Soft<fp64>(0x1p-149));
  CHECK(Soft<fp32>(-0.0F).bits() == 0x80000000);
  CHECK(isnan(Soft<bf16>(std::numeric_limits<float>::quiet_NaN())));
  CHECK(Soft<bf16>(-3).bits() == 0xC040);
  CHECK(Soft<bf16>(257) == Soft<bf16>(256.0));
}

TEST_CASE("every code of binary16 survives the way through double") {
  for (uint64_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto x = Soft<fp16>::from_bits(bits);
    if (isnan(x)) continue;
    REQUIRE(Soft<fp16>(static_cast<double>(x)).bits() == bits);
  }
}

TEST_CASE("bits above the code are ignored") {
  CHECK(Soft<e4m3fn>::from_bits(0x1FF).bits() == 0xFF);
  const auto x = Soft<tf32>::from_bits(0xFFF8'0000 | Soft<tf32>(1.0).bits());
  CHECK(x == Soft<tf32>(1.0));
  CHECK(x.bits() == Soft<tf32>(1.0).bits());
}

TEST_CASE("operators round by the mode of the type") {
  using Nearest = Soft<bf16>;
  using Truncated = Soft<bf16, toward_zero>;
  CHECK((Nearest(1.0) / Nearest(3.0)).bits() == 0x3EAB);
  CHECK((Truncated(1.0) / Truncated(3.0)).bits() == 0x3EAA);
  CHECK(Nearest(256.0) + Nearest(1.0) == Nearest(256.0));
  CHECK(Soft<bf16, upward>(256.0) + Soft<bf16, upward>(1.0) == Soft<bf16, upward>(258.0));
  CHECK(Nearest(3.0) - Nearest(1.0) == Nearest(2.0));
  CHECK(Nearest(3.0) * Nearest(5.0) == Nearest(15.0));
}

TEST_CASE("compound operators are the operators") {
  Soft<fp32> x(1.0);
  x += Soft<fp32>(2.0);
  x *= Soft<fp32>(4.0);
  x -= Soft<fp32>(3.0);
  x /= Soft<fp32>(2.0);
  CHECK(x == Soft<fp32>(4.5));
}

TEST_CASE("negation and absolute value touch the sign bit alone") {
  CHECK((-Soft<bf16>(0.0)).bits() == 0x8000);
  CHECK((-Soft<bf16>::from_bits(0x7FC1)).bits() == 0xFFC1);
  CHECK(abs(Soft<bf16>(-2.0)) == Soft<bf16>(2.0));
  CHECK(abs(Soft<bf16>(-0.0)).bits() == 0);
}

TEST_CASE("comparison orders every pair of 8-bit numbers as their values") {
  for (uint64_t a = 0; a < 256; ++a) {
    for (uint64_t b = 0; b < 256; ++b) {
      const auto x = Soft<e5m2>::from_bits(a);
      const auto y = Soft<e5m2>::from_bits(b);
      const auto u = static_cast<double>(x);
      const auto v = static_cast<double>(y);
      REQUIRE((x < y) == (u < v));
      REQUIRE((x > y) == (u > v));
      REQUIRE((x <= y) == (u <= v));
      REQUIRE((x >= y) == (u >= v));
      REQUIRE((x == y) == (!isnan(x) && !isnan(y) && !(u < v) && !(u > v)));
      REQUIRE((x != y) == !(x == y));
    }
  }
}

TEST_CASE("operands of other formats are rounded once into the result's") {
  const Soft<fp32> x(1.0F + 0x1p-12F);
  const auto fused = fma_to<Soft<bf16>>(x, x, Soft<fp32>(-1.0));
  CHECK(fused.value == Soft<bf16>(0x1p-11));  // 2^-11 + 2^-24: below half an ulp
  CHECK(fused.residue == -(residue_one_ulp >> 6));
  CHECK(multiply_to<Soft<fp64>>(x, x).residue == 0);
  CHECK(divide_to<Soft<bf16>>(Soft<fp32>(1.0), Soft<fp16>(3.0)).value.bits() == 0x3EAB);
  CHECK(sqrt_to<Soft<fp64>>(Soft<e4m3fn>(2.0)).value.bits() == 0x3FF6A09E667F3BCD);
}

TEST_CASE("a conversion to a wider format is exact, to a narrower one rounded once") {
  CHECK(Soft<fp32>(Soft<bf16>(1.5)) == Soft<fp32>(1.5));
  CHECK(Soft<bf16>(Soft<fp32>(1.0F + 0x1p-8F)).bits() == 0x3F80);
  CHECK(Soft<bf16, upward>(Soft<fp32>(1.0F + 0x1p-8F)).bits() == 0x3F81);
  CHECK(convert_to<Soft<e5m2>>(Soft<e4m3fn>(1.125)).flags == (Flag::inexact | Flag::tie));
}

TEST_CASE("a format met at run time computes as the compiled-in one") {
  const Format f = format_named("e4m3fn");
  for (uint64_t a = 0; a < 256; ++a) {
    for (uint64_t b = 0; b < 256; ++b) {
      const auto sum = add(decode<uint64_t>(f, a), decode<uint64_t>(f, b), Mode::nearest_even);
      const Rounded at_run_time = round_pack(f, sum, nearest_even);
      const auto compiled =
          add_to<Soft<e4m3fn>>(Soft<e4m3fn>::from_bits(a), Soft<e4m3fn>::from_bits(b));
      REQUIRE(compiled.value.bits() == at_run_time.bits);
      REQUIRE(compiled.residue == at_run_time.residue);
      REQUIRE(compiled.flags == at_run_time.flags);
    }
  }
}

TEST_CASE("everything is a constant expression") {
  constexpr Soft<bf16> x(1.5);
  constexpr auto sum = add_to<Soft<bf16>>(x, Soft<bf16>(0.75));
  static_assert(sum.value == Soft<bf16>(2.25));
  static_assert(has(sum.flags, Flag::carry_out));
  static_assert(sqrt(Soft<fp64>(4.0)) == Soft<fp64>(2.0));
  static_assert(fma(x, x, -x) == Soft<bf16>(0.75));
  static_assert(static_cast<double>(x) < 2.0);
  CHECK(sum.residue == 0);
}

TEST_CASE("no conversion is implicit") {
  CHECK_FALSE(std::is_convertible_v<double, Soft<bf16>>);
  CHECK_FALSE(std::is_convertible_v<float, Soft<bf16>>);
  CHECK_FALSE(std::is_convertible_v<int, Soft<bf16>>);
  CHECK_FALSE(std::is_convertible_v<Soft<bf16>, Soft<fp32>>);
  CHECK_FALSE(std::is_convertible_v<Soft<bf16>, Soft<bf16, toward_zero>>);
  CHECK_FALSE(std::is_convertible_v<Soft<bf16>, double>);
  CHECK_FALSE(std::is_constructible_v<bool, Soft<bf16>>);
}

TEST_CASE("a format without -0 has one zero from either side, and its NaN has no sign") {
  using U = Soft<e4m3fnuz>;
  const U zero;
  const U nan = U::from_bits(0x80);
  CHECK((-zero).bits() == 0x00);
  CHECK(U(-0.0).bits() == 0x00);
  CHECK(U(-1e-9).bits() == 0x00);
  CHECK((U(-0x1p-10) * U(0x1p-7)).bits() == 0x00);
  CHECK((-zero * U(1.0)).bits() == 0x00);
  CHECK(isnan(-nan));
  CHECK(isnan(abs(nan)));
  CHECK_FALSE(nan == zero);
  CHECK_FALSE(nan < zero);
  CHECK(abs(U(-240.0)) == U(240.0));
  CHECK(isnan(U(240.0) + U(240.0)));
  CHECK(Soft<e4m3fnuz, saturating(nearest_even)>(-1e9).bits() == 0xFF);
}

TEST_CASE("the x87's 64-bit significands compute exactly, products of 128 bits too") {
  using X = Soft<ieee_like(15, 63)>;
  const X third = X(1.0) / X(3.0);
  CHECK(third.bits() == (uint128{0x3FFD} << 63 | 0x2AAA'AAAA'AAAA'AAAB));
  // (1 + 2^-63)^2 - 1 = 2^-62 + 2^-126 takes all of the product.
  const X x = X::from_bits((uint128{0x3FFF} << 63) + 1);
  CHECK(double(fma(x, x, X(-1.0))) == 0x1p-62);
  const X rest = fma(x, x, -(x * x));
  CHECK(double(rest) == 0x1p-126);
  CHECK(double(sqrt(X(2.25))) == 1.5);
}

TEST_CASE("a number without a sign cannot be turned negative") {
  using Scale = Soft<e8m0fnu>;
  CHECK(isnan(-Scale(2.0)));
  CHECK(Scale(0x1p-127) < Scale(0x1p-126));
  CHECK(double(Scale(0x1p10) * Scale(0x1p-12)) == 0x1p-2);
  using Unsigned = Soft<ieee_like(5, 2)>;
  CHECK((-Unsigned(2.0)).bits() == 0xC0);
}

TEST_CASE("a number is finite, infinite or NaN, by its format") {
  CHECK(isfinite(Soft<bf16>(1.0)));
  CHECK(isinf(Soft<bf16>::from_bits(0xFF80)));
  CHECK_FALSE(isfinite(Soft<bf16>::from_bits(0xFF80)));
  CHECK_FALSE(isfinite(Soft<bf16>::from_bits(0x7FC0)));
  CHECK(isnan(Soft<e4m3fn>(1e6)));  // no infinity to overflow to
  CHECK_FALSE(isinf(Soft<e4m3fn>(1e6)));
}
