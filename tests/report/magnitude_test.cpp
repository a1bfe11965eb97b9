// Error against magnitude, maps of heads, kinds of rows; and how long a page can get.
#include "ulpscope/base/error.hpp"
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/page.hpp"

#include <random>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

MagnitudeMap small_map() {
  return {.octaves = {0, 0.5}, .binades = {-3, 1}, .counts = {{0, 2, 90, 1, 0}, {4, 0, 0, 0, 0}}};
}

json random_map(std::mt19937& random, int rows, int columns) {
  std::uniform_real_distribution<double> draw(-0.5, 0.5);
  json cells = json::array();
  for (int r = 0; r < rows; ++r) {
    json row = json::array();
    for (int c = 0; c < columns; ++c) row.push_back(draw(random));
    cells.push_back(row);
  }
  return {{"row_tile", 64}, {"rows", rows}, {"columns", columns}, {"mean_ulp", cells}};
}

// As large as the parts of a page get with 32 heads of 8,192 rows and 128 features, gradients too:
// cells that have nothing to do with their neighbours are drawn one by one.
json large_summary() {
  std::mt19937 random(1);
  json summary = sample_summary();
  const json output = summary["outputs"][0];
  summary["outputs"] = json::array();
  for (const char* name : {"o", "dq", "dk", "dv"}) {
    json large = output;
    large["name"] = name;
    large["shape"] = {1, 32, 8192, 128};
    large["heatmap"] = random_map(random, 128, 128);
    large["head_map"] = random_map(random, 32, 128);
    large["heads"] = json::array();
    for (int h = 0; h < 32; ++h) {
      large["heads"].push_back({{"index", {0, h}},
                                {"count", 1 << 20},
                                {"mean_ulp", -0.123456},
                                {"stderr_ulp", 0.0123},
                                {"z", -10.0},
                                {"z_away", 3.0},
                                {"one_sided", true},
                                {"one_sided_features", 100}});
    }
    json binades = json::array();
    for (int b = -80; b < 0; ++b) {
      binades.push_back({{"binade", b}, {"counts", std::vector<int>(17, 1000 + b)}});
    }
    large["magnitudes"] = {{"octaves", {0, 0.0625, 0.125, 0.25, 0.5, 1, 2, 4}},
                           {"binades", binades}};
    summary["outputs"].push_back(large);
  }
  const json sites = summary["sites"];
  for (const json& site : sites) summary["sites"].push_back(site);  // those of the gradients
  return summary;
}

}  // namespace

TEST_CASE("a page on 32 heads of 8,192 rows stays under 2 MB") {
  const std::string page = html_report(large_summary());
  CHECK(tag_complaint(page) == "");
  CHECK(page.size() < 2'000'000);
  CHECK(page.size() > 200'000);  // nothing was left out
}

TEST_CASE("the drawing of error against magnitude has a place for every binade in between") {
  Statistics o;
  o.name = "o";
  o.format = "bf16";
  const Figure figure = magnitude_figure(small_map(), o);
  for (const char* label : {"2^−3", "2^−1", "2^1", "exact", "+1/2 and more", "−below 1/2"}) {
    CAPTURE(label);
    CHECK(contains(figure.svg, label));
  }
  CHECK(occurrences(figure.svg, "stroke-width=\"16\"") == 4);  // 90; 4; 2; 1 of 90: four shades
}

TEST_CASE("a map without elements is not drawn, and one that does not add up is refused") {
  CHECK(magnitude_figure({}, {}).svg.empty());
  json summary = small_summary();
  summary["outputs"][0]["magnitudes"] = {{"octaves", {0, 1}},
                                         {"binades", {{{"binade", 0}, {"counts", {1, 2, 3}}}}}};
  CHECK_THROWS_WITH_AS(html_report(summary),
                       doctest::Contains("magnitudes.binades[0]: expected 5 counts, found 3"),
                       Error);
}

TEST_CASE("reasons stand below the verdict, escaped, with signs of numbers only") {
  json summary = small_summary();
  summary["verdict"]["reasons"] = {"fa2-torch: mean -0.5 +- 0.1 <ulp>"};
  const std::string page = html_report(summary);
  CHECK(contains(page, "<li>fa2-torch: mean −0.5 ± 0.1 &lt;ulp&gt;</li>"));
}

TEST_CASE("kinds of rows have their share where something is called") {
  json summary = small_summary();
  json kind = {{"name", "at risk"},  {"rows", 12}, {"count", 768}, {"mean_ulp", -0.25},
               {"stderr_ulp", 0.01}, {"z", -25.0}, {"share", 0.93}};
  summary["outputs"][0]["row_kinds"] = {kind};
  CHECK(contains(html_report(summary), "<td>93 %</td>"));
  kind.erase("share");
  summary["outputs"][0]["row_kinds"] = {kind};
  CHECK(!contains(html_report(summary), "<td>93 %</td>"));
}
