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

TEST_CASE("a subset is decided by precision and both ends of the range") {
  CHECK(is_subset(bf16, fp32));
  CHECK(is_subset(fp16, tf32));
  CHECK(is_subset(e4m3fn, fp16));
  CHECK(is_subset(e5m2, fp16));
  CHECK(is_subset(fp32, fp64));
  CHECK_FALSE(is_subset(bf16, fp16));
  CHECK_FALSE(is_subset(fp16, bf16));
  CHECK_FALSE(is_subset(fp32, bf16));
  CHECK_FALSE(is_subset(e5m2, e4m3fn));
  CHECK_FALSE(is_subset(e4m3fn, e5m2));
  for (const auto& row : catalogue) CHECK(is_subset(row.format, row.format));
}

TEST_CASE("a larger top number in the same binade is no subset") {
  constexpr Format all_numbers{4, 3, 7, Infinity::absent,
                               Nan::none};  // reaches 480 where e4m3fn has NaN
  CHECK_FALSE(is_subset(all_numbers, e4m3fn));
  CHECK_FALSE(is_subset(e4m3fn, all_numbers));  // there is no NaN
  CHECK(is_subset(e4m3fn, Format{4, 4, 7, Infinity::absent, Nan::highest}));
}
