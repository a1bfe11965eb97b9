#include "ulpscope/interop/fmt.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("fmt prints a number as decimal, hex float and bit fields") {
  const Soft<bf16> x(-4.6875);
  CHECK(fmt::format("{}", x) == "-4.6875");
  CHECK(fmt::format("{:a}", x) == "-0x1.2cp+2");
  CHECK(fmt::format("{:b}", x) == "1 10000001 0010110");
  CHECK(fmt::format("<{:b}|{}>", x, Soft<e4m3fn>(0.5)) == "<1 10000001 0010110|0.5>");
}

TEST_CASE("fmt prints a number of any rounding") {
  CHECK(fmt::format("{}", Soft<bf16, toward_zero>(0x1.01p0)) == "1");
}

TEST_CASE("another presentation is refused") {
  CHECK_THROWS_AS(static_cast<void>(fmt::format(fmt::runtime("{:x}"), Soft<bf16>(1.0))),
                  fmt::format_error);
  CHECK_THROWS_AS(static_cast<void>(fmt::format(fmt::runtime("{:ab}"), Soft<bf16>(1.0))),
                  fmt::format_error);
}
