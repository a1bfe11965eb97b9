// Lines over the values of an axis, as static SVG.
//
//   line_plot({.title = "mean ulp", .x_name = "gap", .x = {"4", "6"}, .lines = {{"", {...}}}})
//
// The values stand at equal distances, whatever they are: numbers in any spacing, or names. A point
// that is not finite leaves a gap in its line; an error is drawn as a bar of two standard errors to
// either side. Where all values are above zero and span more than three decades the scale is
// logarithmic, and the axis says so. More lines than colours differ by their dashes.
//
// Tested by tests/report/line_plot_test.cpp.
#pragma once

#include <string>
#include <vector>

namespace ulpscope {

struct PlotPoint {
  double value;      // NaN: none
  double error = 0;  // standard error; NaN or 0: none is drawn
};

struct PlotLine {
  std::string name;
  std::vector<PlotPoint> points;  // as many as there are values of x
};

struct LinePlot {
  std::string title;
  std::string x_name;
  std::vector<std::string> x;
  std::vector<PlotLine> lines;
};

std::string line_plot(const LinePlot& plot);

}  // namespace ulpscope
