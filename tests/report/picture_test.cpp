#include "ulpscope/report/picture.hpp"

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <array>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Exact<Uint256> value(const Format& f, uint64_t code) { return decode<Uint256>(f, code); }

std::vector<std::string> lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

std::vector<std::string> drawn_sum(const Format& f, uint64_t x, uint64_t y, const Format& to) {
  const auto exact = add(value(f, x), value(f, y), Mode::nearest_even);
  const std::array terms{DrawnTerm{"x", value(f, x)}, DrawnTerm{"y", value(f, y)}};
  return lines(draw_rounding(terms, exact, to, nearest_even));
}

}  // namespace

TEST_CASE("a sum that carries is drawn on one grid, with the line behind the kept bits") {
  const auto text = drawn_sum(e5m2, 0x3E, 0x3A, e5m2);  // 1.5 + 0.75
  CHECK(text[1] == "         x +  1.1|0");
  CHECK(text[2] == "         y +  0.1|1");
  CHECK(text[3] == "     exact + 10.0|1   carry out: a binade above both terms");
  CHECK(text[4].find("guard 1, rest 0: exactly half an ulp is lost: a tie") != std::string::npos);
  CHECK(text[5] == "    result = 2  0x40  0 10000 00");
  CHECK(text[6] == "     error   -0.5 ulp");
  CHECK(text[7] == "     flags   inexact, tie, carry out");
}

TEST_CASE("the published worked example: a residue breaks the tie") {
  // -4.703990459..., the sum of two products, into bf16 (Qiu and Yao, arXiv 2510.04212).
  const std::array terms{DrawnTerm{"sum", value(fp32, 0xC0968717)}};
  const auto text = lines(draw_rounding(terms, terms[0].value, bf16, nearest_even));
  CHECK(text[1] == "       sum - 1.0010110|1000011100010111");
  CHECK(text[2].find("but nearly a tie") != std::string::npos);
  CHECK(text[3] == "    result = -4.71875  0xc097  1 10000001 0010111");
}

TEST_CASE("a term far below is cut, and what is below says so") {
  const auto text = drawn_sum(bf16, 0x3F80, 0x1E3D, bf16);  // 1 + 1e-20
  CHECK(text[2].ends_with("0000..."));
  CHECK(text[6].find("below 2^-32 ulp") != std::string::npos);
}

TEST_CASE("what cancels or is no number is named") {
  CHECK(drawn_sum(bf16, 0x3F80, 0xBF80, bf16)[0] == "     exact   0");
  CHECK(drawn_sum(bf16, 0x3F80, 0x7F80, bf16)[0] == "     exact   inf");
  CHECK(drawn_sum(bf16, 0xFF80, 0x7F80, bf16)[0] == "     exact   nan");
}

TEST_CASE("a subnormal result has its line at the smallest number") {
  const auto product = multiply(value(fp16, 0x0400), value(fp16, 0x3A00));  // 2^-14 x 0.75
  const std::array terms{DrawnTerm{"x y", product}};
  const auto text = lines(draw_rounding(terms, product, e5m2, nearest_even));
  CHECK(text[1] == "       x y + 1.1|");
  CHECK(significand_text(product) == "1.10000000000000000000 x 2^-15");
}

TEST_CASE("a significand is cut where the format ends") {
  CHECK(cut_significand_text(value(fp32, 0xC0968717), bf16, 8) == "-1.0010110|10000111... x 2^2");
  CHECK(cut_significand_text(value(fp32, 0xC0968000), bf16, 8) == "-1.0010110|1 x 2^2");
  CHECK(cut_significand_text(value(bf16, 0xC097), bf16, 0) == "-1.0010111| x 2^2");
  CHECK(cut_significand_text(value(bf16, 0x0000), bf16, 0) == "0");
}
