#include "ulpscope/report/text.hpp"

#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("control characters are shown as their code") {
  CHECK(visible("\x1b[31mred\n") == "\\x1b[31mred\\x0a");
  CHECK(visible(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(visible("\x7f") == "\\x7f");
  CHECK(visible("\xC2\x9B") == "\\x9b");  // U+009B is a terminal's one-character escape
}

TEST_CASE("characters that reorder or hide text are shown as their code") {
  CHECK(visible("exe\xE2\x80\xAEgpj") == "exe\\u{202e}gpj");
  CHECK(visible("a\xE2\x80\x8B") == "a\\u{200b}");
}

TEST_CASE("proper UTF-8 stays and malformed bytes are shown as their code") {
  CHECK(visible("naïve 注意 😀") == "naïve 注意 😀");
  CHECK(visible("\xFF") == "\\xff");
  CHECK(visible("\xC3") == "\\xc3");                    // cut off
  CHECK(visible("\xC0\x9B") == "\\xc0\\x9b");           // overlong escape character
  CHECK(visible("\xED\xA0\x80") == "\\xed\\xa0\\x80");  // surrogate
}

TEST_CASE("markup and both quotes are escaped") {
  CHECK(escape("<script>\"&'") == "&lt;script&gt;&quot;&amp;&#39;");
  CHECK(escape("\x1b<") == "\\x1b&lt;");
}

TEST_CASE("widths count terminal columns") {
  CHECK(columns("abc") == 3);
  CHECK(columns("µlp") == 3);
  CHECK(columns("注意") == 4);
}

TEST_CASE("a long text is cut and marked") {
  CHECK(shortened("probability_cast", 16) == "probability_cast");
  CHECK(shortened("probability_cast", 10) == "probabil..");
  CHECK(columns(shortened("注意注意注意", 7)) <= 7);
}

TEST_CASE("counts are grouped, and large ones shortened") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(65'536) == "65,536");
  CHECK(grouped(std::numeric_limits<uint64_t>::max()) == "18,446,744,073,709,551,615");
  CHECK(compact(999'999) == "999,999");
  CHECK(compact(33'554'432) == "33.6 M");
  CHECK(compact(999'999'999) == "1.0 G");
  CHECK(compact(std::numeric_limits<uint64_t>::max()) == "1.8e+19");
}

TEST_CASE("a percentage never hides that something is left") {
  CHECK(percent(0, 10) == "0 %");
  CHECK(percent(1, 8) == "12.5 %");
  CHECK(percent(1, 1'000'000) == "<0.1 %");
  CHECK(percent(999'999, 1'000'000) == ">99.9 %");
  CHECK(percent(10, 10) == "100 %");
  CHECK(percent(0, 0) == "-");
}

TEST_CASE("real numbers have no minus zero and spell what is not finite") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(real(-0.0, 4) == "0");
  CHECK(real(0.359741, 4) == "0.3597");
  CHECK(real(-infinity, 4) == "-inf");
  CHECK(real(std::numeric_limits<double>::quiet_NaN(), 4) == "NaN");
}

TEST_CASE("a mean has the places of its standard error") {
  CHECK(with_error(-0.21837, 0.00412) == "-0.2184 +- 0.0041");
  CHECK(with_error(-0.00001, 0.2) == "0.00 +- 0.20");
  CHECK(with_error(17.3, 24.0) == "17 +- 24");
  CHECK(with_error(1.5e-9, 2.5e-10) == "1.50e-09 +- 2.5e-10");
  CHECK(with_error(0.0, 0.0) == "0 +- 0");
  CHECK(with_error(1e300, 1.0) == "1.00e+300 +- 1.0e+00");
  CHECK(with_error(0.5, std::numeric_limits<double>::quiet_NaN()) == "0.5");
}

TEST_CASE("z has its sign and few digits") {
  CHECK(z_score(-7.92) == "-7.9");
  CHECK(z_score(134.97) == "+135");
  CHECK(z_score(-0.01) == "0.0");
  CHECK(z_score(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("signs are typeset for display") {
  CHECK(typographic("-0.25 +- 0.01") == "−0.25 ± 0.01");
}
