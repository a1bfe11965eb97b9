#include "ulpscope/format/exact.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <cmath>
#include <type_traits>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a normal number decodes with its hidden bit") {
  const auto x = decode<uint64_t>(bf16, 0xC097);  // -4.71875 = -151 x 2^-5
  CHECK(x.kind == Kind::finite);
  CHECK(x.negative);
  CHECK(x.significand == 151);
  CHECK(x.exponent == -5);
  CHECK_FALSE(x.sticky);
  CHECK(exponent_of(x) == 2);
}

TEST_CASE("a subnormal decodes in units of the smallest number") {
  const auto x = decode<uint64_t>(fp16, 0x0003);
  CHECK(x.significand == 3);
  CHECK(x.exponent == -24);
  CHECK(exponent_of(x) == -23);
}

TEST_CASE("zeros, infinities and NaN decode to their kinds") {
  CHECK(decode<uint64_t>(e5m2, 0x80).kind == Kind::zero);
  CHECK(decode<uint64_t>(e5m2, 0x80).negative);
  CHECK(decode<uint64_t>(e5m2, 0xFC).kind == Kind::infinity);
  CHECK(decode<uint64_t>(e5m2, 0xFC).negative);
  CHECK(decode<uint64_t>(e5m2, 0x7D).kind == Kind::nan);
  CHECK(decode<uint64_t>(e4m3fn, 0x7F).kind == Kind::nan);
  CHECK(decode<uint64_t>(e4m3fnuz, 0x80).kind == Kind::nan);
  CHECK(decode<uint64_t>(e4m3fnuz, 0x00).kind == Kind::zero);
  CHECK(decode<uint64_t>(e4m3fn, 0x78).kind == Kind::finite);
}

TEST_CASE("every binary16 code decodes to the value of its fields") {
  for (uint64_t bits = 0; bits < 0x7C00; ++bits) {
    const auto x = decode<uint64_t>(fp16, bits);
    const double fraction = static_cast<double>(bits % 1024) / 1024;
    const auto field = static_cast<int>(bits / 1024);
    const double expected =
        field == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, field - 15);
    const double found =
        x.kind == Kind::zero ? 0 : std::ldexp(static_cast<double>(x.significand), x.exponent);
    REQUIRE(found == expected);
  }
}

TEST_CASE("bits above the code are not looked at") {
  const auto x = decode<uint64_t>(e4m3fn, 0xABCDEF00 | 0x38);
  CHECK(x.significand == 8);
  CHECK(x.exponent == -3);
  CHECK_FALSE(x.negative);
}

TEST_CASE("precision alone decides between the 64- and the 128-bit word") {
  CHECK(std::is_same_v<word_for<fp32>, uint64_t>);
  CHECK(std::is_same_v<word_for<ieee_like(15, 27)>, uint64_t>);
  CHECK(std::is_same_v<word_for<ieee_like(4, 28)>, uint128>);
  CHECK(std::is_same_v<word_for<fp64>, uint128>);
}

TEST_CASE("flags join and are asked for one by one") {
  Flag flags = Flag::none;
  flags |= flag_if(true, Flag::tie);
  flags |= flag_if(false, Flag::overflow);
  CHECK(has(flags, Flag::tie));
  CHECK_FALSE(has(flags, Flag::overflow));
  CHECK(has(flags | Flag::overflow, Flag::overflow));
  CHECK_FALSE(has(flags, Flag::none));
}

TEST_CASE("a NaN carries its payload, and raises invalid if it signals") {
  const auto quiet = decode<uint64_t>(fp16, 0xFE01);
  CHECK(quiet.negative);
  CHECK(quiet.significand == uint64_t{0x201} << 54);
  CHECK(quiet.flags == Flag::none);
  CHECK(decode<uint64_t>(fp16, 0x7C01).flags == Flag::invalid);
  CHECK(decode<uint128>(fp64, 0x7FF0'0000'0000'0001).flags == Flag::invalid);
  CHECK(decode<uint64_t>(e4m3fn, 0x7F).flags == Flag::none);
}

TEST_CASE("without zero the exponent field 0 is a binade, without subnormals it is zero") {
  CHECK(decode<uint64_t>(e8m0fnu, 0x00).exponent == -127);
  CHECK(decode<uint64_t>(e8m0fnu, 0x00).significand == 1);
  CHECK(decode<uint64_t>(e8m0fnu, 0xFE).exponent == 127);
  CHECK(decode<uint64_t>(e8m0fnu, 0xFF).kind == Kind::nan);
  Format f = e5m2;
  f.subnormals = Subnormals::absent;
  CHECK(decode<uint64_t>(f, 0x83).kind == Kind::zero);
  CHECK(decode<uint64_t>(f, 0x83).negative);
}

TEST_CASE("codes longer than 64 bits decode") {
  constexpr Format extended = ieee_like(15, 63);
  const uint128 one = uint128{0x3FFF} << 63;
  CHECK(decode<Uint256>(extended, one | 1).significand == Uint256{(uint128{1} << 63) | 1});
  CHECK(decode<Uint256>(extended, one | (uint128{1} << 78)).negative);
  CHECK(decode<Uint256>(extended, uint128{0x7FFF} << 63).kind == Kind::infinity);
}
