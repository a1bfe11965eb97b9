// What every preset shows, on its own grid or a smaller one.
#include "ulpscope/run/sweep_presets.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/sweep_measures.hpp"
#include "ulpscope/run/sweep_run.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

class Swept {
 public:
  explicit Swept(const std::string& preset, const AxisTexts& axes = {}) {
    SweepOptions options;
    options.preset = preset;
    options.axes = axes;
    options.threads = 2;
    points_ = (*run_sweep(options))["points"];
  }
  // The figure of the one point with these values.
  double at(const AxisTexts& values, const char* figure) const {
    for (const auto& point : points_) {
      bool matches = true;
      for (const auto& [axis, value] : values) matches = matches && point["axes"][axis] == value;
      if (matches) return point.at("figures").at(figure).get<double>();
    }
    FAIL("no such point");
    return 0;
  }

 private:
  json points_;
};

}  // namespace

TEST_SUITE("sweep presets") {
  TEST_CASE("every preset is a grid of its measure") {
    for (const SweepPreset& preset : sweep_presets()) {
      CAPTURE(preset.name);
      const auto& known = measure_named(preset.measure).axes;
      AxisTexts texts;
      for (const auto& [name, text] : preset.axes) {
        CHECK(std::find(known.begin(), known.end(), name) != known.end());
        texts.emplace_back(name, text);
      }
      CHECK(grid_of(axes_of(texts), {}).size() > 1);
      CHECK(std::any_of(texts.begin(), texts.end(),
                        [&](const auto& text) { return text.first == preset.x; }));
    }
    CHECK_THROWS_AS(preset_named("no-such"), Error);
  }

  TEST_CASE("resonance: the bias is 0, a quarter of an ulp, and 0 again, and delta follows") {
    const Swept swept("resonance", {{"gap", "6,20,40"}});
    const auto mean = [&](const char* gap) { return swept.at({{"gap", gap}}, "mean_ulp"); };
    CHECK(std::abs(mean("6")) < 0.03);
    CHECK(std::abs(mean("20") + 0.25) < 0.02);
    CHECK(std::abs(mean("40")) < 0.03);
    CHECK(swept.at({{"gap", "20"}}, "z") < -5);
    CHECK(swept.at({{"gap", "20"}}, "delta_share") > 0.95);
    CHECK(std::abs(swept.at({{"gap", "40"}}, "delta_share")) < 0.3);
  }

  TEST_CASE("resonance: four maxima give half of what two give, and truncation errs upward") {
    // 2^-(k+1) ulp where k bits fall off; V is uniform in (-2, -1). Clustered standard errors of
    // 65,536 elements are 0.004 and 0.005: bounds of five.
    const Swept swept("resonance", {{"gap", "17"}, {"maxima", "2,4"}, {"modes", "rne,rz"}});
    const auto mean = [&](const char* maxima, const char* mode) {
      return swept.at({{"maxima", maxima}, {"modes", mode}}, "mean_ulp");
    };
    CHECK(std::abs(mean("2", "rne") + 0.25) < 0.02);
    CHECK(std::abs(mean("4", "rne") + 0.125) < 0.025);
    // Negative sums cut toward zero: half of the pairs lose half an ulp, the others nothing.
    CHECK(std::abs(mean("2", "rz") - 0.25) < 0.02);
  }

  TEST_CASE("sinks: the sign is set by their values, and three of them end it") {
    const Swept swept("sinks", {{"sink", "0.5,2"}, {"maxima", "2,3"}});
    const auto mean = [&](const char* sink, const char* maxima) {
      return swept.at({{"sink", sink}, {"maxima", maxima}}, "mean_ulp");
    };
    CHECK(std::abs(mean("0.5", "2") + 0.22) < 0.02);
    CHECK(std::abs(mean("2", "2") - 0.24) < 0.02);
    CHECK(std::abs(mean("0.5", "3") - 0.03) < 0.02);
    CHECK(std::abs(mean("2", "3") + 0.01) < 0.02);
  }

  TEST_CASE("golden: a bf16 state costs several times more, more with length, less with tiles") {
    const Swept swept(
        "golden",
        {{"rows", "256,1024"}, {"tiles", "32x32,128x128"}, {"formats", "bf16,fp16,fp32"}});
    const auto largest = [&](const char* rows, const char* tiles, const char* format) {
      return swept.at({{"rows", rows}, {"tiles", tiles}, {"formats", format}}, "max_difference");
    };
    CHECK(largest("1024", "32x32", "bf16") > 4 * largest("1024", "32x32", "fp32"));
    CHECK(largest("1024", "32x32", "bf16") > largest("256", "32x32", "bf16"));
    CHECK(largest("1024", "32x32", "bf16") > largest("1024", "128x128", "bf16"));
    CHECK(largest("1024", "32x32", "bf16") > largest("1024", "32x32", "fp16"));
    // With a binary32 state the cast of O is all there is, whatever the tile.
    CHECK(largest("1024", "32x32", "fp32") < 1.2 * largest("1024", "128x128", "fp32"));
  }

  TEST_CASE("bits: truncation is biased toward zero, nearest and stochastic are not") {
    const Swept swept("bits", {{"rows", "128"}, {"formats", "e8m3,e5m7,e2m7"}});
    for (const char* site : {"inputs", "output_store"}) {
      CAPTURE(site);
      const auto figure = [&](const char* mode, const char* name) {
        return swept.at({{"site", site}, {"formats", "e8m3"}, {"modes", mode}}, name);
      };
      CHECK(figure("rz", "z_away") < -5);
      CHECK(figure("rz", "mean_away_ulp") < -0.3);
      CHECK(std::abs(figure("rne:sat", "mean_away_ulp")) <
            std::abs(figure("rz", "mean_away_ulp")) / 5);
      CHECK(std::abs(figure("sr:sat", "mean_away_ulp")) <
            std::abs(figure("rz", "mean_away_ulp")) / 5);
      const auto underflow = [&](const char* format) {
        return swept.at({{"site", site}, {"formats", format}, {"modes", "rne:sat"}}, "underflow");
      };
      CHECK(underflow("e8m3") == 0);
      CHECK(underflow("e2m7") > underflow("e5m7"));
    }
  }

  TEST_CASE("bits: a lost exponent bit saturates outliers") {
    const Swept swept("bits", {{"law", "outliers"},
                               {"rows", "64"},
                               {"site", "inputs"},
                               {"formats", "e8m7,e3m7"},
                               {"modes", "rne:sat"}});
    CHECK(swept.at({{"formats", "e8m7"}}, "saturated") == 0);
    CHECK(swept.at({{"formats", "e3m7"}}, "saturated") > 0);
  }

  TEST_CASE("p-cast: what lies below the threshold is lost; a scale or reverse order keeps it") {
    const Swept swept("p-cast", {{"rows", "8"}, {"strength", "4,8,12"}});
    const auto figure = [&](const char* strength, const char* scale, const char* order,
                            const char* name) {
      return swept.at({{"strength", strength}, {"p-scale", scale}, {"orders", order}}, name);
    };
    // Where the sink is the largest score of every row.
    for (const char* strength : {"8", "12"}) {
      for (const char* scale : {"1", "256", "448"}) {
        CHECK(figure(strength, scale, "ascending", "lost_share") ==
              figure(strength, scale, "ascending", "threshold_share"));
      }
    }
    CHECK(figure("12", "1", "ascending", "lost_share") > 0.99);
    CHECK(figure("12", "256", "ascending", "lost_share") < 0.5);
    CHECK(figure("8", "256", "ascending", "lost_share") < 0.001);
    // All but the sink's own tile of 128.
    CHECK(figure("12", "1", "descending", "lost_share") < 128.0 / 1024 + 0.01);
    for (const char* strength : {"8", "12"}) {
      const double plain = figure(strength, "1", "ascending", "mse");
      CHECK(figure(strength, "256", "ascending", "mse") < plain / 3);
      CHECK(figure(strength, "1", "descending", "mse") < plain / 3);
    }
  }

  TEST_CASE("stalling: half is lost at 1024 terms, 97 % at 16384, and nothing by a drawn sum") {
    const Swept swept("stalling", {{"terms", "1024,16384"}});
    const auto error = [&](const char* terms, const char* format, const char* mode) {
      return swept.at(
          {{"terms", terms}, {"addends", "uniform"}, {"formats", format}, {"modes", mode}},
          "relative_error");
    };
    CHECK(std::abs(error("1024", "bf16", "rne") + 0.502) < 0.045);
    CHECK(std::abs(error("16384", "bf16", "rne") + 0.969) < 0.001);
    CHECK(std::abs(error("1024", "fp16", "rne")) < 0.01);
    CHECK(std::abs(error("16384", "fp16", "rne") + 0.75) < 0.02);  // 2048 of 8192
    CHECK(std::abs(error("16384", "bf16", "sr")) < 0.2);
    const auto last = [&](const char* format) {
      return swept.at(
          {{"terms", "16384"}, {"addends", "ones"}, {"formats", format}, {"modes", "rne"}},
          "last_change");
    };
    CHECK(last("bf16") == 256);
    CHECK(last("fp16") == 2048);
  }

  TEST_CASE("logits: their spacing grows with the scale, and the share of equal maxima does not") {
    const Swept swept("logits", {{"rows", "256"}, {"logit-scale", "1,16,256"}});
    const auto figure = [&](const char* scale, const char* mask, const char* name) {
      return swept.at({{"logit-scale", scale}, {"masks", mask}}, name);
    };
    for (const char* mask : {"none", "32x32"}) {
      CAPTURE(mask);
      // Factors of two leave the codes of the scores as they are, and with them the ties.
      CHECK(figure("16", mask, "largest_score") == 16 * figure("1", mask, "largest_score"));
      CHECK(figure("16", mask, "ulp_at_largest") == 16 * figure("1", mask, "ulp_at_largest"));
      CHECK(figure("1", mask, "equal_share") == figure("256", mask, "equal_share"));
      CHECK(figure("16", mask, "rms_difference") > 4 * figure("1", mask, "rms_difference"));
    }
    CHECK(figure("1", "32x32", "equal_share") < figure("1", "none", "equal_share"));
  }

  TEST_CASE("level: scores that grow together become equal") {
    const Swept swept("level", {{"rows", "256"}, {"level", "4,512"}});
    const auto share = [&](const char* level) {
      return swept.at({{"level", level}}, "equal_share");
    };
    CHECK(share("4") < 0.02);
    CHECK(share("512") > 0.2);
  }
}
