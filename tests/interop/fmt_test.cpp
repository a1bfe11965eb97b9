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

TEST_CASE("a number prints as fmt prints a double of the same value") {
  const Soft<bf16> x(-4.71875);
  CHECK(fmt::format("{:.2f}", x) == "-4.72");
  CHECK(fmt::format("{:12.3e}|", x) == "  -4.719e+00|");
  CHECK(fmt::format("{:*<+10}", abs(x)) == "+4.71875**");
  CHECK(fmt::format("{:>{}.{}f}", x, 8, 1) == "    -4.7");
  CHECK(fmt::format("{:010.2f}", x) == "-000004.72");
  CHECK(fmt::format("{:>12a}", x) == "  -0x1.2ep+2");
  CHECK(fmt::format("{} {}", Soft<e4m3fn>::from_bits(0x7F), Soft<e5m2>::from_bits(0xFC)) ==
        "nan -inf");
  CHECK(fmt::format("{}", Soft<bf16>::from_bits(0xFFC0)) == "-nan");
}

TEST_CASE("bit fields take a fill, an alignment and a width") {
  const Soft<bf16> one(1.0);
  CHECK(fmt::format("{:b}", one) == "0 01111111 0000000");
  CHECK(fmt::format("{:20b}|", one) == "0 01111111 0000000  |");
  CHECK(fmt::format("{:>20b}", one) == "  0 01111111 0000000");
  CHECK(fmt::format("{:.^22b}", one) == "..0 01111111 0000000..");
  CHECK(fmt::format("{0:b} {0:}", one) == "0 01111111 0000000 1");
}

TEST_CASE("a format wider than binary64 prints as a hex float") {
  using Wide = Soft<ieee_like(15, 48)>;
  const auto x = -Wide(0x1.8p-1000) * Wide(0x1p-1000);
  CHECK(fmt::format("{}", x) == "-0x1.8p-2000");
  CHECK(fmt::format("{:>14a}", x) == "  -0x1.8p-2000");
  CHECK(fmt::format("{:b}", Wide(1.0)) == "0 011111111111111 " + std::string(48, '0'));
  CHECK_THROWS_AS(static_cast<void>(fmt::format(fmt::runtime("{:.3f}"), x)), fmt::format_error);
}

TEST_CASE("another presentation is refused") {
  for (const auto* spec : {"{:x}", "{:ab}", "{:.3b}", "{:+b}", "{:{}b}", "{:sb}", "{:d}"}) {
    CAPTURE(spec);
    CHECK_THROWS_AS(static_cast<void>(fmt::format(fmt::runtime(spec), Soft<bf16>(1.0), 9)),
                    fmt::format_error);
  }
}
