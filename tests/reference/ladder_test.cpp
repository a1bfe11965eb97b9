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
