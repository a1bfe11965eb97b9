#include "ulpscope/interop/text.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a number reads as its shortest decimal") {
  CHECK(decimal(Soft<bf16>(-4.71875)) == "-4.71875");
  CHECK(decimal(Soft<e4m3fn>(448.0)) == "448");
  CHECK(decimal(Soft<fp64>(0.1)) == "0.1");
  CHECK(decimal(Soft<fp64>::from_bits(1)) == "5e-324");
}

TEST_CASE("a hex float shows every bit of the significand") {
  CHECK(hex_float(Soft<bf16>(-4.71875)) == "-0x1.2ep+2");
  CHECK(hex_float(Soft<fp32>(1.0)) == "0x1p+0");
  CHECK(hex_float(-Soft<fp64>(0x1.fffffffffffffp1023)) == "-0x1.fffffffffffffp+1023");
  CHECK(hex_float(Soft<bf16>(0.0)) == "0x0p+0");
}

TEST_CASE("a hex float of a subnormal number starts with 1") {
  CHECK(hex_float(Soft<bf16>::from_bits(1)) == "0x1p-133");
  CHECK(hex_float(Soft<fp64>::from_bits(3)) == "0x1.8p-1073");
}

TEST_CASE("a format wider than binary64 has hex floats and fields") {
  using Wide = Soft<ieee_like(15, 63)>;
  const auto next = Wide::from_bits(Wide(1.5).bits() + 1);
  CHECK(hex_float(next) == "0x1.8000000000000002p+0");
  CHECK(hex_float(-Wide::from_bits(1)) == "-0x1p-16445");
  CHECK(bit_fields(next) == "0 011111111111111 1" + std::string(61, '0') + "1");
}

TEST_CASE("the fields of a code stand apart") {
  CHECK(bit_fields(Soft<bf16>(-4.6875)) == "1 10000001 0010110");
  CHECK(bit_fields(Soft<e5m2>(1.0)) == "0 01111 00");
  CHECK(bit_fields(Soft<e4m3fn>::from_bits(0x7F)) == "0 1111 111");
  CHECK(bit_fields(Soft<ieee_like(5, 0)>(1.0)) == "0 01111");
  CHECK(bit_fields(Soft<e8m0fnu>(1.0)) == "01111111");  // no sign
  CHECK(bit_fields(Soft<ieee_like(1, 2)>::from_bits(0b1001)) == "1 0 01");
}

TEST_CASE("zeros show their sign and specials their name") {
  CHECK(decimal(Soft<bf16>(-0.0)) == "-0");
  CHECK(decimal(Soft<e5m2>::from_bits(0xFC)) == "-inf");
  CHECK(hex_float(Soft<e5m2>::from_bits(0x7C)) == "inf");
  CHECK(decimal(Soft<bf16>::from_bits(0x7FC0)) == "nan");
  CHECK(hex_float(Soft<bf16>::from_bits(0xFFC0)) == "-nan");
  CHECK(decimal(Soft<e4m3fnuz>::from_bits(0x80)) == "nan");  // its sign bit is no sign
}
