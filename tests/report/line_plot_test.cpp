#include "ulpscope/report/line_plot.hpp"

#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

size_t count(const std::string& text, const std::string& piece) {
  size_t n = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++n;
  return n;
}

LinePlot plot_of(std::vector<PlotPoint> points) {
  return {.title = "mean", .x_name = "gap", .x = {"4", "6", "8"}, .lines = {{"one", points}}};
}

}  // namespace

TEST_SUITE("line plot") {
  TEST_CASE("a mark a finite point, and none where there is no number") {
    CHECK(count(line_plot(plot_of({{1}, {2}, {3}})), "<circle") == 3);
    CHECK(count(line_plot(plot_of({{1}, {nan}, {3}})), "<circle") == 2);
    CHECK(line_plot(plot_of({{nan}, {nan}, {nan}})).find("no finite value") != std::string::npos);
  }

  TEST_CASE("a gap in the values is a gap in the line, and an error is a bar") {
    const size_t whole = count(line_plot(plot_of({{1}, {2}, {3}})), "<line");
    CHECK(count(line_plot(plot_of({{1}, {nan}, {3}})), "<line") == whole - 2);
    CHECK(count(line_plot(plot_of({{1, 0.1}, {2, 0.1}, {3, nan}})), "<line") == whole + 2);
  }

  TEST_CASE("more than three decades above zero are drawn on a logarithmic scale") {
    CHECK(line_plot(plot_of({{1e-6}, {1}, {2}})).find("logarithmic") != std::string::npos);
    CHECK(line_plot(plot_of({{0}, {1}, {2000}})).find("logarithmic") == std::string::npos);
  }

  TEST_CASE("names are escaped, and a key stands where there are several lines") {
    LinePlot plot = plot_of({{1}, {2}, {3}});
    CHECK(line_plot(plot).find(">one<") == std::string::npos);
    plot.lines.push_back({"<b>", {{1}, {2}, {nan}}});
    plot.title = "<script>";
    const std::string svg = line_plot(plot);
    CHECK(svg.find("&lt;b&gt;") != std::string::npos);
    CHECK(svg.find("<script>") == std::string::npos);
  }
}
