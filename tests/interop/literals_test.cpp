#include "ulpscope/interop/literals.hpp"

#include "ulpscope/interop/text.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::literals;

TEST_CASE("a literal is the number that the format's row says") {
  CHECK((1.5_bf16).bits() == 0x3FC0);
  CHECK((0x1.8p0_fp16).bits() == 0x3E00);
  CHECK((0x1p-24_fp16).bits() == 1);
  CHECK((448_e4m3fn).bits() == 0x7E);
  CHECK((240_e4m3fnuz).bits() == 0x7F);
  CHECK((0x1p-127_e8m0fnu).bits() == 0);
  CHECK((6_e2m1fn).bits() == 7);
  CHECK((57344_e5m2).bits() == 0x7B);
  CHECK((3_tf32) == Soft<tf32>(3.0));
  CHECK((0x1.fffffep127_fp32).bits() == 0x7F7FFFFF);
  CHECK((0x1.fffffffffffffp0_fp64) == Soft<fp64>(0x1.fffffffffffffp0));
}

TEST_CASE("every format of the catalogue has its literals") {
  const std::array<double, catalogue.size()> ones{
      static_cast<double>(1_bf16),     static_cast<double>(1_fp16),
      static_cast<double>(1_tf32),     static_cast<double>(1_fp32),
      static_cast<double>(1_fp64),     static_cast<double>(1_e4m3fn),
      static_cast<double>(1_e5m2),     static_cast<double>(1_e4m3),
      static_cast<double>(1_e3m4),     static_cast<double>(1_e4m3fnuz),
      static_cast<double>(1_e5m2fnuz), static_cast<double>(1_e4m3b11fnuz),
      static_cast<double>(1_e2m3fn),   static_cast<double>(1_e3m2fn),
      static_cast<double>(1_e2m1fn),   static_cast<double>(1_e8m0fnu)};
  // A row without a literal leaves a zero at the end.
  CHECK(std::count(ones.begin(), ones.end(), 1.0) == std::ssize(ones));
}

TEST_CASE("a literal reads as C++ reads it") {
  CHECK(1'024_fp16 == Soft<fp16>(1024.0));
  CHECK(0b1'01_bf16 == Soft<bf16>(5.0));
  CHECK(017_bf16 == Soft<bf16>(15.0));
  CHECK(0X1.8P+1_bf16 == Soft<bf16>(3.0));
  CHECK(0xFp-4_bf16 == Soft<bf16>(0.9375));
  CHECK(.5_bf16 == Soft<bf16>(0.5));
  CHECK(5.E-1_bf16 == Soft<bf16>(0.5));
  CHECK(2.5e+1_bf16 == Soft<bf16>(25.0));
  CHECK((0.0e-7_bf16).bits() == 0);
}

TEST_CASE("an exact decimal is read however long or far from 1") {
  CHECK((0.000000059604644775390625_fp16).bits() == 1);  // 2^-24
  CHECK(1e22_fp64 == Soft<fp64>(1e22));                  // 5^22 has 52 bits
  CHECK(1.500000000000000000000000000000_bf16 == Soft<bf16>(1.5));
  CHECK((9007199254740991_fp64).bits() == 0x433F'FFFF'FFFF'FFFF);
  CHECK((16777215_fp32).bits() == 0x4B7F'FFFF);
}

TEST_CASE("a sign and the operators work on literals") {
  CHECK((-1.5_bf16).bits() == 0xBFC0);
  CHECK(1.5_bf16 + 0.75_bf16 == 2.25_bf16);
  CHECK(256_bf16 + 1_bf16 == 256_bf16);
}

namespace {
template <char... text>
consteval auto operator""_e3m5() {
  return exact_literal<ieee_like(3, 5), text...>();
}
}  // namespace

TEST_CASE("a format of one's own has literals in one line") {
  CHECK(
      hex_float(exact_literal<ieee_like(15, 63), '0', 'x', '1', 'p', '-', '9', '9', '9', '9'>()) ==
      "0x1p-9999");
  CHECK((1.03125_e3m5).bits() == 0x61);
}
