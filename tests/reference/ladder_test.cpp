#include "ulpscope/reference/ladder.hpp"

#include <cmath>
#include <initializer_list>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr Format bfloat16{8, 7, 127};
constexpr Format e4m3fn{4, 3, 7, Infinity::absent, Nan::highest};
constexpr Format e5m2{5, 2, 15};
constexpr Format e2m1{2, 1, 1, Infinity::absent, Nan::none};

bool same(double x, double y) { return bit_cast<uint64_t>(x) == bit_cast<uint64_t>(y); }

double value(const Rung& r) { return std::ldexp(static_cast<double>(r.significand), r.exponent); }

}  // namespace

TEST_CASE("rungs are the values that the format documents list") {
  CHECK(same(value(rung(bfloat16, 0x3F80)), 1.0));
  CHECK(same(value(rung(e4m3fn, 0x7E)), 448.0));
  CHECK(same(value(rung(e4m3fn, 0x01)), 0x1p-9));
  CHECK(same(value(rung(e5m2, 0x7B)), 57344.0));
  const double e2m1_values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (uint64_t k = 0; k < 8; ++k) {
    CHECK(same(value(rung(e2m1, k)), e2m1_values[k]));
  }
}

TEST_CASE("the step to the next rung is one unit of the significand") {
  for (const Format& f : {e4m3fn, e5m2, e2m1, Format{3, 0, 3}, bfloat16}) {
    for (uint64_t k = 0; k <= top_rung(f); ++k) {
      const Rung here = rung(f, k);
      const double next = value({here.significand + 1, here.exponent});
      REQUIRE(same(value(rung(f, k + 1)), next));
    }
  }
}

TEST_CASE("the highest codes mean what the specials say") {
  CHECK(top_rung(bfloat16) == 0x7F7F);
  CHECK(top_rung(e4m3fn) == 0x7E);
  CHECK(top_rung(e2m1) == 0x7);
  CHECK(read_code(bfloat16, 0xFF80).kind == CodeKind::infinity);
  CHECK(read_code(bfloat16, 0xFF80).negative);
  CHECK(read_code(bfloat16, 0x7F81).kind == CodeKind::nan);
  CHECK(read_code(e4m3fn, 0xFF).kind == CodeKind::nan);
  CHECK(read_code(e4m3fn, 0xFE).kind == CodeKind::number);
  CHECK(read_code(e2m1, 0xF).kind == CodeKind::number);
  CHECK(nan_code(bfloat16) == 0x7FC0);
  CHECK(nan_code(e4m3fn) == 0x7F);
  CHECK(beyond_code(bfloat16, true) == 0xFF80);
  CHECK(beyond_code(e4m3fn, true) == 0x7F);
  CHECK(beyond_code(e2m1, true) == 0xF);
}

TEST_CASE("a format of 64 bits has its sign in the highest") {
  constexpr Format binary64{11, 52, 1023};
  CHECK(sign_code(binary64, true) == 0x8000000000000000);
  CHECK(top_rung(binary64) == 0x7FEFFFFFFFFFFFFF);
  CHECK(read_code(binary64, 0xBFF0000000000000).negative);
  CHECK(read_code(binary64, 0xFFF0000000000000).kind == CodeKind::infinity);
}

TEST_CASE("ladders begin with subnormals, with a leap over absent ones, or without zero") {
  CHECK(next_rung(e4m3fn, uint64_t{0}) == 1);
  CHECK(first_normal_rung(e4m3fn) == 8);
  constexpr Format leaping{4, 3, 7, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent};
  CHECK(next_rung(leaping, uint64_t{0}) == 8);
  CHECK(same(value(rung(leaping, 7)), 0.0));
  CHECK(same(value(rung(leaping, 8)), 0x1p-6));
  CHECK(rung(leaping, 0).exponent == -6);  // the step from zero is 2^-6
  constexpr Format scale{
      8, 0, 127, Infinity::absent, Nan::highest, Zero::none, Subnormals::absent, Sign::absent};
  CHECK(same(value(rung(scale, 0)), 0x1p-127));
  CHECK(same(value(rung(scale, 127)), 1.0));
  CHECK(next_rung(scale, uint64_t{0}) == 1);
  CHECK(first_normal_rung(scale) == 0);
  CHECK(top_rung(scale) == 0xFE);
  CHECK(read_code(scale, 0xFF).kind == CodeKind::nan);
}

TEST_CASE("infinity lies below the highest NaN, and P3109's NaN at -0") {
  constexpr Format binary8p3se{5, 2, 16, Infinity::present, Nan::minus_zero, Zero::positive};
  CHECK(top_rung(binary8p3se) == 0x7E);
  CHECK(read_code(binary8p3se, 0xFF).kind == CodeKind::infinity);
  CHECK(read_code(binary8p3se, 0xFF).negative);
  CHECK(read_code(binary8p3se, 0x80).kind == CodeKind::nan);
  CHECK(nan_code(binary8p3se) == 0x80);
  constexpr Format binary8p3ue{
      6, 2, 32, Infinity::present, Nan::highest, Zero::positive, Subnormals::present, Sign::absent};
  CHECK(top_rung(binary8p3ue) == 0xFD);
  CHECK(read_code(binary8p3ue, 0xFE).kind == CodeKind::infinity);
  CHECK(read_code(binary8p3ue, 0xFF).kind == CodeKind::nan);
  CHECK(same(value(read_code(binary8p3ue, 0xFD).magnitude), 1.25 * 0x1p31));
  CHECK(sign_code(binary8p3ue, true) == 0);
}

TEST_CASE("a NaN's trailing field, and the half of it that is quiet") {
  CHECK(read_code(bfloat16, 0xFFC3).trailing == 0x43);
  CHECK(quiet_part(bfloat16) == 0x40);
  CHECK(read_code(e4m3fn, 0x7F).trailing == 0);
  CHECK(quiet_part(e4m3fn) == 0);
}

TEST_CASE("codes of more than 64 bits are read with the sign and the field above them") {
  constexpr Format widest{16, 63, 32767};
  const uint128 one = uint128{32767} << 63;
  const Code minus_one = read_code(widest, one | uint128{1} << 79);
  CHECK(minus_one.kind == CodeKind::number);
  CHECK(minus_one.negative);
  CHECK(minus_one.magnitude.significand == uint64_t{1} << 63);
  CHECK(minus_one.magnitude.exponent == -63);
  CHECK(read_code(widest, top_rung<uint128>(widest) + 1).kind == CodeKind::infinity);
}
