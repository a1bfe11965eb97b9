#include "ulpscope/report/figures.hpp"

#include <cmath>
#include <limits>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

Statistics small_site() { return parse_summary(small_summary()).sites[0]; }

// A map whose cell (r, c) is r + c / 1000.
HeatMap ramp(std::size_t rows, std::size_t columns) {
  HeatMap map;
  for (std::size_t r = 0; r < rows; ++r) {
    auto& row = map.mean_ulp.emplace_back();
    for (std::size_t c = 0; c < columns; ++c) {
      row.push_back(static_cast<double>(r) + static_cast<double>(c) / 1000);
    }
  }
  return map;
}

constexpr std::string_view blue = R"(fill="#2b5f96")";
constexpr std::string_view orange = R"(fill="#dd8a34")";

}  // namespace

TEST_CASE("a histogram draws one bar for each bin in use, blue below zero and orange above") {
  const std::string figure = histogram_figure(small_site(), FigureSize::full);
  CHECK(tag_complaint(figure) == "");
  CHECK(occurrences(figure, blue) == 2 + 1);    // two bins and the strip on top
  CHECK(occurrences(figure, orange) == 1 + 1);  // one bin and the strip
}

TEST_CASE("a histogram says what its sides and tails are and marks the mean") {
  const std::string figure = histogram_figure(small_site(), FigureSize::full);
  CHECK(contains(figure, "← too small"));
  CHECK(contains(figure, "too large →"));
  CHECK(occurrences(figure, "log: one bar an octave") == 2);
  CHECK(contains(figure, "mean −0.250 ± 0.013 ulp"));
  CHECK(contains(figure, "signed error, ulp of bf16"));
}

TEST_CASE("exact zeros are a share of their own") {
  // Nine elements are judged: four too small, one exact, four too large.
  const std::string figure = histogram_figure(small_site(), FigureSize::full);
  CHECK(contains(figure, "too small 44.4 %"));
  CHECK(contains(figure, "exact 11.1 %"));
  CHECK(contains(figure, "too large 44.4 %"));
}

TEST_CASE("one element among a million is still a visible bar") {
  Statistics site = small_site();
  site.histogram.counts = {0, 0, 999'999, 0, 0, 1};
  CHECK(contains(histogram_figure(site, FigureSize::full), R"(height="1" fill="#dd8a34")"));
}

TEST_CASE("a mean outside the linear part, infinite or absent is drawn without harm") {
  Statistics site = small_site();
  for (const double mean :
       {1e300, -1e300, 1.5, std::numeric_limits<double>::infinity(), not_given}) {
    site.mean_ulp = mean;
    const std::string figure = histogram_figure(site, FigureSize::thumbnail);
    CAPTURE(mean);
    CHECK(tag_complaint(figure) == "");
    CHECK(!contains(figure, "nan"));
    CHECK(!contains(figure, "inf"));
  }
}

TEST_CASE("the colour scale is pale at zero and symmetric steps reach both ends") {
  CHECK(diverging_colour(0.0) == "#f7f7f5");
  CHECK(diverging_colour(-1.0) == "#163c69");
  CHECK(diverging_colour(1.0) == "#94420c");
}

TEST_CASE("up to 128 cells on a side are drawn as they are") {
  const ReducedMap reduced = reduce(ramp(128, 128));
  CHECK(reduced.rows_averaged == 1);
  CHECK(reduced.columns_averaged == 1);
  CHECK(reduced.cells.size() == 128);
  CHECK(!contains(heat_map_figure(ramp(128, 128), "o").caption, "averages"));
}

TEST_CASE("more than 128 cells on a side are averaged in groups, and the caption says so") {
  const HeatMap map = ramp(300, 130);
  const ReducedMap reduced = reduce(map);
  CHECK(reduced.rows_averaged == 3);
  CHECK(reduced.columns_averaged == 2);
  REQUIRE(reduced.cells.size() == 100);
  REQUIRE(reduced.cells[0].size() == 65);
  CHECK(reduced.cells[1][2] == doctest::Approx(4 + 4.5 / 1000));  // rows 3 to 5, columns 4 and 5
  CHECK(contains(heat_map_figure(map, "o").caption, "averages 3 x 2"));
}

TEST_CASE("cells without a number stay out of an average and are hatched alone") {
  HeatMap map = ramp(1, 256);
  map.mean_ulp[0][0] = not_given;
  map.mean_ulp[0][2] = map.mean_ulp[0][3] = std::numeric_limits<double>::infinity();
  const ReducedMap reduced = reduce(map);
  CHECK(reduced.cells[0][0] == doctest::Approx(0.001));
  CHECK(std::isnan(reduced.cells[0][1]));
  CHECK(tag_complaint(heat_map_figure(map, "o").svg) == "");
}

TEST_CASE("the caption names the cell furthest from zero") {
  HeatMap map = ramp(2, 3);
  map.mean_ulp[1][2] = -7.5;
  CHECK(contains(heat_map_figure(map, "o").caption, "−7.5 ulp in row tile 1, feature 2"));
  CHECK(contains(heat_map_figure(map, "o").svg, "−7.5 too small"));
  CHECK(contains(heat_map_figure(map, "o").svg, "+7.5 too large"));
}

TEST_CASE("a map of zeros and a map without cells are drawn") {
  HeatMap zeros;
  zeros.mean_ulp = {{0, 0}, {0, 0}};
  CHECK(tag_complaint(heat_map_figure(zeros, "o").svg) == "");
  CHECK(heat_map_figure(HeatMap(), "o").svg.empty());
}

TEST_CASE("the dot of a mean is filled only where a bias is called") {
  Statistics site = small_site();
  CHECK(occurrences(mean_figure(site, 1.0), R"(<circle)") == 1);
  CHECK(contains(mean_figure(site, 1.0), blue));
  site.z = 4.9;
  CHECK(!contains(mean_figure(site, 1.0), blue));
  site.mean_ulp = not_given;
  CHECK(!contains(mean_figure(site, 1.0), "<circle"));
}

TEST_CASE("the common scale of the means reaches the furthest whisker") {
  Statistics near = small_site(), far = small_site();
  far.mean_ulp = -0.5;
  far.stderr_ulp = 0.1;
  CHECK(mean_limit({near, far}) == doctest::Approx(0.7));
  far.mean_ulp = not_given;
  CHECK(mean_limit({far}) == doctest::Approx(1.0));
}
