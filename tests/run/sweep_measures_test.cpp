#include "ulpscope/run/sweep_measures.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/sample_run.hpp"

#include <cmath>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

SweepPoint point_of(const AxisTexts& axes) { return grid_of(axes_of(axes), {}).front(); }

json measured(const std::string& measure, const AxisTexts& axes) {
  SweepEngine engine({.problem = {}, .threads = 2}, nullptr);
  const auto figures = measure_named(measure).run(point_of(axes), engine);
  REQUIRE(figures);
  return *figures;
}

const AxisTexts small{{"law", "uniform"}, {"rows", "96"}, {"kernels", "kernel"}};

AxisTexts small_with(const AxisTexts& more) {
  AxisTexts all = small;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_SUITE("sweep measures") {
  TEST_CASE("a point has the figures that the main job gives for the same file") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    write_sample({.law = {.kind = LawKind::uniform}, .shape = {.rows = 96, .keys = 96}}, path);
    AttentionOptions options;
    options.inputs.input = path;
    options.kernel = "kernel";
    options.backward = BackwardChoice::off;
    const auto o = (*run_attention(options))["outputs"][0];
    const json point = measured("attention", small);
    CHECK(point["count"] == o["count"]);
    for (const char* figure : {"mean_ulp", "stderr_ulp", "z", "mean_away_ulp", "z_away"}) {
      CAPTURE(figure);
      CHECK(point[figure] == o[figure]);
    }
    CHECK(point["max_ulp"] == o["max_abs_ulp"]);
  }

  TEST_CASE("a format at the store is what --set makes of it, with its overflows counted") {
    const json wide = measured("attention", small_with({{"formats", "fp32"}}));
    const json narrow = measured("attention", small_with({{"formats", "e2m3"}}));
    CHECK(wide["ulp_format"] == "fp32");
    CHECK(wide["underflow"] == 0);
    CHECK(wide["max_difference"].get<double>() < narrow["max_difference"].get<double>());
    CHECK(narrow["rounded"] == 96 * 64);
    // A mean of numbers below 1 is below 1, the smallest normal number.
    CHECK(narrow["underflow"].get<int>() > 96 * 64 / 2);
  }

  TEST_CASE("a drawn store rounds the same registers, between the directed ones") {
    const auto mean = [](const char* mode) {
      return measured("attention", small_with({{"formats", "e8m5"}, {"modes", mode}}));
    };
    const json drawn = mean("sr");
    CHECK(drawn["rounded"] == 96 * 64);
    CHECK(drawn == mean("sr"));  // the same draws
    CHECK(drawn["mean_ulp"].get<double>() < mean("ru")["mean_ulp"].get<double>());
    CHECK(drawn["mean_ulp"].get<double>() > mean("rd")["mean_ulp"].get<double>());
    CHECK(drawn["max_ulp"].get<double>() <= 1.01);
  }

  TEST_CASE("rounded inputs are judged by the attention of the inputs as they were") {
    const auto rms = [](const char* format) {
      return measured("attention", small_with({{"site", "inputs"}, {"formats", format}}))["rms_ulp"]
          .get<double>();
    };
    const double own = rms("bf16");
    CHECK(own == measured("attention", small)["rms_ulp"].get<double>());
    CHECK(rms("e8m5") > own);
    CHECK(rms("e8m3") > 1.5 * rms("e8m5"));
  }

  TEST_CASE("what cannot be is refused") {
    SweepEngine engine({.problem = {}, .threads = 1}, nullptr);
    const auto refused = [&](const char* measure, const AxisTexts& axes) {
      CHECK_THROWS_AS(measure_named(measure).run(point_of(axes), engine), Error);
    };
    refused("attention", small_with({{"site", "row_sum"}, {"modes", "sr"}}));
    refused("attention", small_with({{"site", "inputs"}, {"formats", "fp32"}}));
    refused("attention", small_with({{"formats", "fp64"}}));
    refused("attention", small_with({{"tiles", "64x48"}}));
    refused("attention",
            {{"rows", "64"}, {"kernels", "exact"}, {"site", "scores"}, {"formats", "bf16"}});
    refused("attention", {{"rows", "64"}, {"masks", "8x8"}, {"kernels", "paper-eager"}});
    refused("logits", {{"rows", "64"}, {"kernels", "exact"}});
    refused("sum", {{"formats", "fp32"}});
    CHECK_THROWS_AS(measure_named("speed"), Error);
  }

  TEST_CASE("the share of delta is that of the rows' drift") {
    // At the resonance every row of O errs one way, and dO is of one sign.
    const AxisTexts ties{
        {"law", "ties"}, {"rows", "256"}, {"gap", "17"}, {"sink", "0.5"}, {"kernels", "fa2-torch"}};
    CHECK(measured("attention", ties)["delta_share"].get<double>() > 0.9);
    CHECK(std::abs(measured("attention", small)["delta_share"].get<double>()) < 0.5);
  }

  TEST_CASE("logits adds what the scores hold in store") {
    const json figures = measured("logits", small_with({{"site", "logits"}, {"formats", "bf16"}}));
    CHECK(figures["rows"] == 96);
    CHECK(figures["largest_score"].get<double>() > 2);
    CHECK(figures.contains("mean_ulp"));
  }

  TEST_CASE("every measure's columns are figures that it gives, and its axes exist") {
    for (const SweepMeasure& measure : sweep_measures()) {
      CAPTURE(measure.name);
      for (const auto& axis : measure.axes) CHECK_NOTHROW(axes_of({{std::string(axis), "1"}}));
      SweepEngine engine({.problem = {}, .threads = 2}, nullptr);
      SweepPoint point;
      point.shape.rows = 64;
      point.format = e4m3fn;
      const auto figures = measure.run(point, engine);
      REQUIRE(figures);
      for (const SweepColumn& column : measure.columns) {
        CAPTURE(column.figure);
        CHECK(figures->contains(std::string(column.figure)));
        if (!column.error.empty()) CHECK(figures->contains(std::string(column.error)));
      }
    }
  }
}
