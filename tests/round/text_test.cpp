#include "ulpscope/round/text.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <charconv>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;

namespace {

uint64_t rounded(const Format& f, const std::string& text) {
  return round_pack(f, *parse_number(text), nearest_even).bits;
}

}  // namespace

TEST_CASE("a decimal number is rounded once") {
  CHECK(rounded(bf16, "1.00390625") == 0x3F80);  // a tie
  CHECK(rounded(bf16, "1.00390625000000000000000000000000000000001") == 0x3F81);
  CHECK(rounded(fp64, "0.1") == 0x3FB9'9999'9999'999A);
  CHECK(rounded(fp32, "16777217") == 0x4B80'0000);
  CHECK(rounded(fp64, "4.9406564584124654e-324") == 1);
  CHECK(rounded(fp64, "2.4703282292062328e-324") == 1);
  CHECK(rounded(fp64, "2.4703282292062327e-324") == 0);
  CHECK(rounded(fp64, "1.7976931348623157e308") == 0x7FEF'FFFF'FFFF'FFFF);
  CHECK(rounded(fp64, "1.7976931348623159e308") == 0x7FF0'0000'0000'0000);
}

TEST_CASE("decimal numbers round into binary64 as from_chars rounds them") {
  uint64_t state = 88172645463325252;
  int wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const auto text =
        fmt::format("{}.{:017d}e{}", state % 10, state >> 12, static_cast<int>(state % 640) - 330);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) continue;  // beyond binary64
    wrong += rounded(fp64, text) == bit_cast<uint64_t>(value) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("hex floats, signs and names are read") {
  CHECK(rounded(fp32, "0x1.8p-3") == 0x3E40'0000);
  CHECK(rounded(fp32, "-0X.8P+1") == 0xBF80'0000);
  CHECK(rounded(fp32, "+2.5") == 0x4020'0000);
  CHECK(rounded(fp32, "-0") == 0x8000'0000);
  CHECK(rounded(fp32, "-inf") == 0xFF80'0000);
  CHECK(rounded(fp32, "nan") == 0x7FC0'0000);
  CHECK(rounded(fp32, "1e-90000") == 0);
}

TEST_CASE("what is no number is nothing") {
  for (const auto* text : {"", "-", "+", ".", "1..2", "1e", "1e+", "0x", "0xp1", "1p3", "0x1.8g",
                           "1 ", " 1", "--1", "1e100001", "0x1p1.5", "infinite", "1,5", "1f"}) {
    CHECK_MESSAGE(!parse_number(text).has_value(), text);
  }
  CHECK_FALSE(parse_number(std::string(1001, '1')).has_value());
}

TEST_CASE("a code is as wide as its format") {
  CHECK(parse_code(bf16, "0xC097") == uint128{0xC097});
  CHECK(parse_code(e2m1fn, "f") == uint128{0xF});
  CHECK(parse_code(ieee_like(15, 63), "3fff8000000000000000") == uint128{0x3FFF'8000} << 48);
  for (const auto* text : {"", "0x", "0x10", "g", "-1", "0x 1"}) {
    CHECK_FALSE(parse_code(e2m1fn, text).has_value());
  }
  CHECK(code_text(e2m3fn, 5) == "0x05");
  CHECK(code_text(ieee_like(15, 63), uint128{1} << 78) == "0x40000000000000000000");
}

TEST_CASE("a value prints in decimal, or in hexadecimal where binary64 does not hold its format") {
  CHECK(value_text(bf16, 0xC097) == "-4.71875");
  CHECK(value_text(e4m3fn, 0xFF) == "-nan");
  CHECK(value_text(e5m2, 0xFC) == "-inf");
  CHECK(value_text(e8m0fnu, 0x80) == "2");
  constexpr Format extended = ieee_like(15, 63);
  CHECK(value_text(extended, uint128{0x3FFF} << 63) == "0x1p+0");
  CHECK(value_text(extended, (uint128{0x3FFF} << 63) + 1) == "0x1.0000000000000002p+0");
  CHECK(value_text(extended, 1) == "0x1p-16445");
  CHECK(value_text(extended, 0) == "0");
}

TEST_CASE("fields are those that the format has") {
  CHECK(fields_text(bf16, 0xC097) == "1 10000001 0010111");
  CHECK(fields_text(e8m0fnu, 0x80) == "10000000");
  CHECK(fields_text(ieee_like(5, 0), 0x21) == "1 00001");
}

TEST_CASE("flags have names in the order of a computation") {
  CHECK(flag_names(Flag::none) == "exact");
  CHECK(flag_names(Flag::invalid | Flag::inexact | Flag::tie) == "inexact, tie, invalid");
}
