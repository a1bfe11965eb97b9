#include "ulpscope/round/operand.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("subnormal operands are zeros of their sign where inputs are flushed") {
  for (const auto flush : {Flush::inputs, Flush::both}) {
    const auto x = operand<uint64_t>(fp32, 0x807F'FFFF, flush);
    CHECK(x.kind == Kind::zero);
    CHECK(x.negative);
    CHECK(operand<uint64_t>(e4m3fnuz, 0x87, flush).kind == Kind::zero);
    CHECK_FALSE(operand<uint64_t>(e4m3fnuz, 0x87, flush).negative);
    CHECK(operand<uint64_t>(fp32, 0x0080'0000, flush).kind == Kind::finite);
    CHECK(operand<uint64_t>(e8m0fnu, 0x00, flush).kind == Kind::finite);
  }
}

TEST_CASE("elsewhere they are what they are") {
  for (const auto flush : {Flush::none, Flush::outputs}) {
    CHECK(operand<uint64_t>(fp32, 1, flush).exponent == -149);
  }
}
