#include "ulpscope/format/format.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a format knows its width, precision and exponent range") {
  CHECK(width(bf16) == 16);
  CHECK(precision(bf16) == 8);
  CHECK(emin(bf16) == -126);
  CHECK(smallest_positive_exponent(bf16) == -133);
  CHECK(width(tf32) == 19);
  CHECK(emin(fp64) == -1022);
  CHECK(smallest_positive_exponent(fp64) == -1074);
}

TEST_CASE("the masks of a format cover its code without overlap") {
  for (const auto& row : catalogue) {
    const Format& f = row.format;
    CHECK((sign_mask(f) ^ exponent_mask(f) ^ trailing_mask(f)) == low_mask<uint64_t>(width(f)));
    CHECK((sign_mask(f) & exponent_mask(f)) == 0);
    CHECK((exponent_mask(f) & trailing_mask(f)) == 0);
  }
}

TEST_CASE("an IEEE format has infinity and a quiet NaN above its largest number") {
  CHECK(largest_finite_bits(bf16) == 0x7F7F);
  CHECK(infinity_bits(bf16) == 0x7F80);
  CHECK(nan_bits(bf16) == 0x7FC0);
  CHECK(largest_finite_bits(e5m2) == 0x7B);
  CHECK(infinity_bits(e5m2) == 0x7C);
  CHECK(nan_bits(e5m2) == 0x7E);
  CHECK(is_infinity(e5m2, 0xFC));
  CHECK(is_nan(e5m2, 0xFD));
}

TEST_CASE("E4M3 as OCP has it spends one code a sign on NaN and none on infinity") {
  CHECK(largest_finite_bits(e4m3fn) == 0x7E);
  CHECK(nan_bits(e4m3fn) == 0x7F);
  CHECK_FALSE(has_infinity(e4m3fn));
  CHECK(has_nan(e4m3fn));
  CHECK(is_nan(e4m3fn, 0xFF));
  CHECK(is_finite(e4m3fn, 0x78));
  CHECK_FALSE(is_infinity(e4m3fn, 0x78));
}

TEST_CASE("a finite format spends no code on specials") {
  constexpr Format e2m1{.exponent_bits = 2,
                        .trailing_bits = 1,
                        .bias = 1,
                        .infinity = Infinity::absent,
                        .nan = Nan::none};
  CHECK(largest_finite_bits(e2m1) == 0b0111);
  CHECK_FALSE(has_nan(e2m1));
  for (uint64_t bits = 0; bits < 16; ++bits) CHECK(is_finite(e2m1, bits));
}

TEST_CASE("zeros and subnormals share the exponent field zero") {
  CHECK(is_zero(fp16, 0x0000));
  CHECK(is_zero(fp16, 0x8000));
  CHECK(is_negative(fp16, 0x8000));
  CHECK(is_subnormal(fp16, 0x03FF));
  CHECK_FALSE(is_subnormal(fp16, 0x0400));
  CHECK_FALSE(is_subnormal(fp16, 0x8000));
}

TEST_CASE("ieee_like gives the bias that IEEE 754 gives") {
  CHECK(ieee_like(5, 10) == fp16);
  CHECK(ieee_like(8, 7) == bf16);
  CHECK(ieee_like(8, 23) == fp32);
  CHECK(ieee_like(11, 52) == fp64);
  CHECK(ieee_like(4, 3) != e4m3fn);
}

TEST_CASE("a row outside the limits is not valid") {
  for (const auto& row : catalogue) CHECK(is_valid(row.format));
  CHECK(is_valid(ieee_like(15, 63)));
  CHECK(is_valid(ieee_like(16, 63)));
  CHECK(is_valid(ieee_like(1, 62)));
  CHECK_FALSE(is_valid(ieee_like(15, 64)));
  CHECK_FALSE(is_valid(Format{0, 7, 0}));
  CHECK_FALSE(is_valid(Format{17, 7, 127}));
  CHECK_FALSE(is_valid(Format{8, -1, 127}));
  CHECK_FALSE(is_valid(Format{8, 7, 1 << 16}));
}

TEST_CASE("one bit of exponent and none of significand needs every code for numbers") {
  CHECK_FALSE(is_valid(Format{1, 0, 0}));
  CHECK_FALSE(is_valid(Format{1, 0, 0, Infinity::absent, Nan::highest}));
  CHECK(is_valid(Format{1, 0, 0, Infinity::absent, Nan::none}));
}

TEST_CASE("an fnuz format has its NaN where others have -0, and one zero") {
  CHECK(largest_finite_bits(e4m3fnuz) == 0x7F);
  CHECK(nan_bits(e4m3fnuz) == 0x80);
  CHECK(is_nan(e4m3fnuz, 0x80));
  CHECK_FALSE(is_zero(e4m3fnuz, 0x80));
  CHECK_FALSE(is_subnormal(e4m3fnuz, 0x80));
  CHECK(is_zero(e4m3fnuz, 0x00));
  CHECK(is_finite(e4m3fnuz, 0xFF));
  CHECK_FALSE(has_infinity(e4m3fnuz));
  CHECK_FALSE(has_negative_zero(e4m3fnuz));
  CHECK(negated_bits(e4m3fnuz, uint64_t{0x00}) == 0x00);
  CHECK(negated_bits(e4m3fnuz, uint64_t{0x80}) == 0x80);
  CHECK(negated_bits(e4m3fnuz, uint64_t{0x01}) == 0x81);
  CHECK(negated_bits(e5m2, uint64_t{0x00}) == 0x80);
}

TEST_CASE("a scale without sign or zero uses every code but one") {
  CHECK(width(e8m0fnu) == 8);
  CHECK(sign_mask(e8m0fnu) == 0);
  CHECK(largest_finite_bits(e8m0fnu) == 0xFE);
  CHECK(smallest_positive_bits(e8m0fnu) == 0);
  CHECK(emin(e8m0fnu) == -127);
  CHECK_FALSE(is_zero(e8m0fnu, 0));
  CHECK_FALSE(is_negative(e8m0fnu, 0xFE));
  CHECK(is_nan(e8m0fnu, 0xFF));
}

TEST_CASE("infinity stands just below the highest NaN") {
  const Format f{4, 3, 7, Infinity::present, Nan::highest};
  CHECK(infinity_bits(f) == 0x7E);
  CHECK(largest_finite_bits(f) == 0x7D);
  CHECK(is_infinity(f, 0xFE));
  CHECK(is_nan(f, 0xFF));
  const Format g{4, 3, 7, Infinity::present, Nan::none};
  CHECK(infinity_bits(g) == 0x7F);
  CHECK_FALSE(is_nan(g, 0x7F));
  const Format h{4, 3, 7, Infinity::absent, Nan::ieee};
  CHECK(is_nan(h, 0x78));
  CHECK_FALSE(is_infinity(h, 0x78));
  CHECK(largest_finite_bits(h) == 0x77);
}

TEST_CASE("a code has one meaning") {
  CHECK_FALSE(is_valid(Format{4, 3, 7, Infinity::absent, Nan::minus_zero}));  // -0 is taken
  CHECK_FALSE(is_valid(Format{4, 3, 7, Infinity::absent, Nan::none, Zero::none}));
  CHECK_FALSE(is_valid(Format{4, 3, 7, Infinity::present, Nan::ieee, Zero::both,
                              Subnormals::present, Sign::absent}));
}
