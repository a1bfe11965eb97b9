// Sweep presets on their whole grids, all but golden (stored_state_test.cpp has it): the numbers
// and the orders that docs/reproduce.md compares with papers, at every point.
#include "ulpscope/run/sweep_presets.hpp"
#include "ulpscope/run/sweep_run.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

class Swept {
 public:
  explicit Swept(const std::string& preset) {
    SweepOptions options;
    options.preset = preset;
    options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    points_ = (*run_sweep(options))["points"];
  }
  const json& points() const { return points_; }

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

double number(const json& text) { return std::stod(text.get<std::string>()); }

}  // namespace

TEST_SUITE("presets") {
  TEST_CASE("resonance: 0, a quarter of an ulp downward, 0, and delta of one sign where it is") {
    // Clustered standard errors are up to 0.008 ulp; 0.25 is the law of ties of two numbers.
    const Swept swept("resonance");
    CHECK(swept.points().size() == 19);
    for (const auto& point : swept.points()) {
      const double gap = number(point["axes"]["gap"]);
      const double mean = point["figures"]["mean_ulp"];
      const double share = point["figures"]["delta_share"];
      CAPTURE(gap);
      if (gap <= 12) CHECK(std::abs(mean) < 0.08);
      if (gap >= 14 && gap <= 24) {
        CHECK(mean < -0.2);
        CHECK(mean > -0.27);
        CHECK(share > 0.9);
      }
      if (gap >= 30) CHECK(std::abs(mean) < 0.04);
      if (gap >= 34) CHECK(std::abs(share) < 0.5);
    }
  }

  TEST_CASE("sinks: sign and size of the bias by the values and the number of the sinks") {
    const Swept swept("sinks");
    const auto mean = [&](const char* sink, const char* maxima) {
      return swept.at({{"sink", sink}, {"maxima", maxima}}, "mean_ulp");
    };
    const struct {
      const char* sink;
      const char* maxima;
      double mean;
    } expected[] = {{"0.5", "1", 0.074}, {"2", "1", -0.037},  {"0.5", "2", -0.22},
                    {"1", "2", 0},       {"2", "2", 0.24},    {"0.5", "3", 0.03},
                    {"2", "3", -0.01},   {"0.5", "4", -0.11}, {"2", "4", 0.12}};
    for (const auto& row : expected) {
      CAPTURE(row.sink);
      CAPTURE(row.maxima);
      CHECK(std::abs(mean(row.sink, row.maxima) - row.mean) < 0.03);
    }
  }

  TEST_CASE("bits: truncation alone is biased at every width, and lost exponent bits underflow") {
    const Swept swept("bits");
    const auto figure = [&](const char* format, const char* mode, const char* name) {
      return swept.at({{"site", "output_store"}, {"formats", format}, {"modes", mode}}, name);
    };
    for (const char* format : {"e8m7", "e8m6", "e8m5", "e8m4", "e8m3"}) {
      CAPTURE(format);
      const double cut = figure(format, "rz", "mean_away_ulp");
      CHECK(cut < -0.3);
      CHECK(figure(format, "rz", "z_away") < -5);
      CHECK(std::abs(figure(format, "rne:sat", "mean_away_ulp")) < -cut / 5);
      CHECK(std::abs(figure(format, "sr:sat", "mean_away_ulp")) < -cut / 5);
      CHECK(figure(format, "rz", "underflow") == 0);
    }
    CHECK(figure("e2m7", "rne:sat", "underflow") > figure("e3m7", "rne:sat", "underflow"));
    CHECK(figure("e7m7", "rne:sat", "underflow") == 0);
  }

  TEST_CASE("p-cast: what is lost is what lies below the threshold, at every strength and scale") {
    const Swept swept("p-cast");
    for (const auto& point : swept.points()) {
      CAPTURE(point["axes"].dump());
      const double scale = number(point["axes"]["p-scale"]);
      const double lost = point["figures"]["lost_share"];
      const double below = point["figures"]["threshold_share"];
      // 6.93 + ln S: half of the smallest E4M3 number, 2^-10.
      CHECK(std::abs(point["figures"]["threshold"].get<double>() -
                     (10 * std::log(2.0) + std::log(scale))) < 1e-9);
      // A weak sink is not the largest score of every row, so that rows have thresholds of their
      // own.
      if (number(point["axes"]["strength"]) < 6) continue;
      if (point["axes"]["orders"] == "ascending") CHECK(lost == below);
      if (point["axes"]["orders"] == "descending") CHECK(lost <= below);
    }
  }

  TEST_CASE("stalling: ones stop at 2^(t + 1), half is lost at 1024 and 97 % at 16384") {
    const Swept swept("stalling");
    const auto figure = [&](const char* terms, const char* addends, const char* format,
                            const char* mode, const char* name) {
      return swept.at(
          {{"terms", terms}, {"addends", addends}, {"formats", format}, {"modes", mode}}, name);
    };
    // The draw varies the loss at 1024 by 4 %.
    CHECK(std::abs(figure("1024", "uniform", "bf16", "rne", "relative_error") + 0.5) < 0.045);
    CHECK(std::abs(figure("16384", "uniform", "bf16", "rne", "relative_error") + 0.97) < 0.005);
    CHECK(figure("16384", "ones", "bf16", "rne", "last_change") == 256);
    CHECK(figure("16384", "ones", "fp16", "rne", "last_change") == 2048);
    for (const char* format : {"bf16", "fp16"}) {
      for (const char* terms : {"256", "1024", "4096", "16384"}) {
        CAPTURE(format);
        CAPTURE(terms);
        CHECK(std::abs(figure(terms, "uniform", format, "sr", "relative_error")) < 0.2);
      }
    }
  }

  TEST_CASE("logits: spacing 2^(e - 7) and the error grow with the scale; equal maxima do not") {
    const Swept swept("logits");
    for (const auto& point : swept.points()) {
      CAPTURE(point["axes"].dump());
      const json& figures = point["figures"];
      const double largest = figures["largest_score"];
      CHECK(figures["ulp_at_largest"] == std::exp2(std::floor(std::log2(largest)) - 7));
      const auto of_one = [&](const char* name) {
        return swept.at({{"logit-scale", "1"}, {"masks", point["axes"]["masks"]}}, name);
      };
      CHECK(figures["equal_share"] == of_one("equal_share"));
      CHECK(largest == number(point["axes"]["logit-scale"]) * of_one("largest_score"));
    }
  }

  TEST_CASE("level: the share of rows with equal maxima rises with the level of the scores") {
    const Swept swept("level");
    double before = -1;
    for (const auto& point : swept.points()) {
      CAPTURE(point["axes"].dump());
      const double share = point["figures"]["equal_share"];
      CHECK(share >= before);
      before = share;
    }
    CHECK(swept.at({{"level", "4"}}, "equal_share") < 0.02);
    CHECK(before > 0.3);
  }
}
