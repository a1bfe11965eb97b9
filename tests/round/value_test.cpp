#include "ulpscope/round/value.hpp"

#include "ulpscope/arith/soft.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("value") {
  TEST_CASE("every bf16 and e4m3fn code has the value that Soft converts to") {
    for (uint64_t code = 0; code < 1 << 16; ++code) {
      const double value = double_value(bf16, code);
      CHECK(bit_cast<uint64_t>(value) ==
            bit_cast<uint64_t>(static_cast<double>(Soft<bf16>::from_bits(code))));
    }
    CHECK(bit_cast<uint64_t>(double_value(e4m3fn, 0x7E)) == bit_cast<uint64_t>(448.0));
  }

  TEST_CASE("a format wider than binary64 is rounded to nearest even") {
    constexpr Format wide = ieee_like(8, 54);
    const uint64_t tie = (uint64_t{127} << 54) | 0b10;  // 1 + 2^-53
    CHECK(bit_cast<uint64_t>(double_value(wide, tie)) == bit_cast<uint64_t>(1.0));
    CHECK(bit_cast<uint64_t>(double_value(wide, tie | 1)) == bit_cast<uint64_t>(1.0 + 0x1p-52));
  }
}
