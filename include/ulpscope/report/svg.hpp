// A small writer of static SVG: shapes in, one text out, the same bytes every time.
//
// Positions are in pixels of the view box, y downwards, written with at most two decimals and a
// full stop whatever the locale. All text is escaped. There is no script, no external reference
// and no animation; the only address is the SVG namespace, so that a figure cut out of a page is a
// file of its own.
//
//   Svg svg({.width = 100, .height = 40, .title = "mean error"});
//   svg.line({0, 20}, {100, 20}, {.colour = "#999"});
//   svg.text({50, 15}, "-0.25 ulp", {.anchor = Anchor::middle});
//   std::string drawing = svg.finish();
//
// Tested by tests/report/svg_test.cpp.
#pragma once

#include <string>
#include <string_view>

namespace ulpscope {

struct Point {
  double x = 0, y = 0;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

struct Canvas {
  double width = 0, height = 0;
  std::string_view title;  // read out by screen readers and shown on hover
};

struct Stroke {
  std::string_view colour;
  double width = 1;
  std::string_view dashes = {};  // "3 2"; empty: solid
};

enum class Anchor { start, middle, end };
enum class Weight { normal, bold };

struct TextStyle {
  Anchor anchor = Anchor::start;
  double size = 11;
  std::string_view colour = "#333";
  Weight weight = Weight::normal;
};

// At most two decimals, no trailing zeros, never "-0". The value has to be finite.
std::string svg_number(double value);

class Svg {
 public:
  explicit Svg(const Canvas& canvas);

  void rect(const Box& box, std::string_view fill);
  void line(Point from, Point to, const Stroke& stroke);
  void circle(Point centre, double radius, std::string_view fill, const Stroke& outline);
  void text(Point at, std::string_view content, const TextStyle& style);
  void path(std::string_view data, std::string_view fill);  // `data` as in the d attribute
  void strokes(std::string_view data, const Stroke& stroke);

  std::string finish() &&;

 private:
  std::string out_;
};

}  // namespace ulpscope
