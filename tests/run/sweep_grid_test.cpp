#include "ulpscope/run/sweep_grid.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;
using Values = std::vector<std::string>;

namespace {

Values values_of(const std::string& list) { return axes_of({{"gap", list}}).front().values; }

SweepPoint only_point(const std::string& axis, const std::string& value) {
  return grid_of(axes_of({{axis, value}}), {}).front();
}

void check_refused(const std::string& axis, const std::string& value) {
  CAPTURE(axis);
  CAPTURE(value);
  try {
    grid_of(axes_of({{axis, value}}), {});
    FAIL_CHECK("taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).find(axis) != std::string::npos);
  }
}

}  // namespace

TEST_SUITE("sweep grid") {
  TEST_CASE("a list is values, ranges with a step, ranges with a factor, or a mixture") {
    CHECK(values_of("4,6.5,8") == Values{"4", "6.5", "8"});
    CHECK(values_of("4..7") == Values{"4", "5", "6", "7"});
    CHECK(values_of("4..9:2") == Values{"4", "6", "8"});
    CHECK(values_of("0.5..1:0.25") == Values{"0.5", "0.75", "1"});
    CHECK(values_of("1..256:x4") == Values{"1", "4", "16", "64", "256"});
    CHECK(values_of("1,10..12") == Values{"1", "10", "11", "12"});
  }

  TEST_CASE("lists that are none are refused") {
    for (const char* list : {"", "1,,2", "4..", "..4", "4..2", "1..2:0", "1..2:x1", "0..4:x2",
                             "1..x", "1..2:y", "nan..1"}) {
      CAPTURE(list);
      CHECK_THROWS_AS(axes_of({{"gap", list}}), Error);
    }
    CHECK_THROWS_AS(axes_of({{"no-such", "1"}}), Error);
  }

  TEST_CASE("the grid is the product in the table's order, the last given list standing") {
    const auto axes = axes_of({{"formats", "bf16,fp16"}, {"gap", "1"}, {"gap", "4,6"}});
    REQUIRE(axes.size() == 2);
    CHECK(axes[0].name == "gap");
    const auto points = grid_of(axes, {});
    REQUIRE(points.size() == 4);
    CHECK(points[0].labels == Values{"4", "bf16"});
    CHECK(points[1].labels == Values{"4", "fp16"});
    CHECK(points[2].labels == Values{"6", "bf16"});
    CHECK(points[3].law.gap == 6.0);
    CHECK(points[3].format == fp16);
  }

  TEST_CASE("every axis has its name once, and sets what it says") {
    std::set<std::string_view> names;
    for (const AxisRow& row : axis_rows()) CHECK(names.insert(row.name).second);
    CHECK(only_point("law", "ties").law.kind == LawKind::ties);
    CHECK(only_point("rows", "64").shape.rows == 64);
    CHECK(only_point("seeds", "9").law.seed == 9);
    CHECK(only_point("masks", "causal").mask == causal_mask);
    CHECK(only_point("masks", "32x-1").mask == Mask{.left = 32, .right = Mask::unbounded});
    CHECK(only_point("kernels", "cudnn-9.19@sm80").chip == &chip_named("sm80"));
    CHECK(only_point("tiles", "64x128").tile->keys == 128);
    CHECK(only_point("tiles", "whole").whole_tile);
    CHECK(only_point("modes", "sr8").rounding == AnyRounding(stochastic_named("sr8")));
    const auto places = only_point("site", "inputs+row_sum").places;
    CHECK(places.inputs);
    CHECK(places.sites == std::vector<Site>{Site::row_sum});
    CHECK(only_point("site", "logits").places.sites ==
          std::vector<Site>{Site::scores, Site::scaled_score});
  }

  TEST_CASE("values that an axis does not take are refused, by its name") {
    check_refused("law", "cauchy");
    check_refused("rows", "0");
    check_refused("rows", "1.5");
    check_refused("gap", "wide");
    check_refused("masks", "32");
    check_refused("logit-scale", "-1");
    check_refused("chips", "h9000");
    check_refused("kernels", "fa9");
    check_refused("tiles", "64");
    check_refused("p-scale", "0");
    check_refused("orders", "sideways");
    check_refused("addends", "twos");
    check_refused("site", "row_sum+");
    check_refused("formats", "bf17");
    check_refused("modes", "up");
    CHECK_THROWS_AS(grid_of(axes_of({{"chips", "h200"}, {"kernels", "kernel@sm80"}}), {}), Error);
  }

  TEST_CASE("a grid that nobody waits for is refused") {
    CHECK_THROWS_AS(grid_of(axes_of({{"gap", "1..200"}, {"seeds", "1..200"}}), {}), Error);
  }
}
