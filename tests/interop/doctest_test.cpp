#include "ulpscope/interop/doctest.hpp"

using namespace ulpscope;

TEST_CASE("doctest shows a number as its value and its bits") {
  CHECK(doctest::toString(Soft<bf16>(-4.71875)) == "-4.71875 (1 10000001 0010111)");
  CHECK(doctest::toString(Soft<e4m3fn>::from_bits(0x7F)) == "nan (0 1111 111)");
  CHECK(doctest::toString(Soft<ieee_like(15, 1)>(0x1p-1000)) == "0x1p-1000 (0 011110000010111 0)");
}

TEST_CASE("numbers are compared inside a check") {
  CHECK(Soft<bf16>(1.0) == Soft<bf16>(1.0));
  CHECK(Soft<bf16>(1.0) < Soft<bf16>(1.5));
  CHECK_FALSE(Soft<bf16>::from_bits(0x7FC0) == Soft<bf16>::from_bits(0x7FC0));
}
