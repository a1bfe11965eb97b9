#include "ulpscope/interop/literals.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::literals;

TEST_CASE("a literal is the number that the format's row says") {
  CHECK((1.5_bf16).bits() == 0x3FC0);
  CHECK((0x1.8p0_fp16).bits() == 0x3E00);
  CHECK((0x1p-24_fp16).bits() == 1);
  CHECK((448_e4m3fn).bits() == 0x7E);
  CHECK((57344_e5m2).bits() == 0x7B);
  CHECK((3_tf32) == Soft<tf32>(3.0));
  CHECK((0x1.fffffep127_fp32).bits() == 0x7F7FFFFF);
  CHECK((0x1.fffffffffffffp0_fp64) == Soft<fp64>(0x1.fffffffffffffp0));
}

TEST_CASE("a sign and the operators work on literals") {
  CHECK((-1.5_bf16).bits() == 0xBFC0);
  CHECK(1.5_bf16 + 0.75_bf16 == 2.25_bf16);
  CHECK(256_bf16 + 1_bf16 == 256_bf16);
}
