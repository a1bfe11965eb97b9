#include "ulpscope/report/svg.hpp"

#include <clocale>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

TEST_CASE("positions have at most two decimals and no trailing zeros") {
  CHECK(svg_number(12.0) == "12");
  CHECK(svg_number(0.126) == "0.13");
  CHECK(svg_number(2.5) == "2.5");
  CHECK(svg_number(-0.001) == "0");
  CHECK(svg_number(100.0) == "100");
}

TEST_CASE("the locale does not change a position") {
  // Where no locale with a decimal comma is installed this only repeats the test above.
  const std::string before = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL, "de_DE.UTF-8");
  CHECK(svg_number(2.5) == "2.5");
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("a drawing is closed and its texts are escaped") {
  Svg svg({.width = 10, .height = 20, .title = "<b>"});
  svg.rect({.x = 1, .y = 2, .width = 3, .height = 4}, "#fff");
  svg.line({0, 0}, {1, 1}, {.colour = "#000", .dashes = "1 3"});
  svg.circle({1, 1}, 2, "#fff", {.colour = "#000"});
  svg.path("M0 0h1z", "#000");
  svg.text({0, 0}, "</svg>\x1b", {.anchor = Anchor::end, .weight = Weight::bold});
  const std::string drawing = std::move(svg).finish();
  CHECK(tag_complaint(drawing) == "");
  CHECK(contains(drawing, "<title>&lt;b&gt;</title>"));
  CHECK(contains(drawing, "&lt;/svg&gt;\\x1b"));
  CHECK(contains(drawing, R"(viewBox="0 0 10 20")"));
}
