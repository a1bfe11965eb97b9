// Verdicts about recorded inputs whose bias was measured by those who recorded them.
#include "ulpscope/run/attention_verdict.hpp"

#include "ulpscope/run/attention_run.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

json verdict_on(const std::string& file, const std::string& kernel,
                const std::array<int64_t, 2>& launch) {
  AttentionOptions options;
  options.inputs.input = std::string(ULPSCOPE_DATA_DIR) + "/captures/" + file;
  options.inputs.format = bf16;
  options.inputs.layout = Layout::bhsd;
  options.mask = causal_mask;
  options.backward = BackwardChoice::off;
  options.launch = launch;
  options.kernel = kernel;
  options.threads = 2;
  const auto summary = run_attention(options);
  REQUIRE(summary);
  return *summary;
}

bool says(const json& summary, const std::string& part) {
  for (const auto& reason : summary["verdict"]["reasons"]) {
    if (reason.get<std::string>().find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_SUITE("attention verdict") {
  TEST_CASE("neither recording without the resonance accuses an output, and both say why") {
    const std::array runs{
        verdict_on("h200_torch2.11_sdpa/bf_d64_n1024_sink.npz", "fa2-torch", {1, 1}),
        verdict_on("h200_paper_code/sink.npz", "paper-eager", {1, 4})};
    for (const json& run : runs) {
      CHECK(run["verdict"]["status"] == "unbiased");
      CHECK(
          says(run, "of 1,024 rows at risk of the resonance: 1,023 have two or more equal maxima"));
      CHECK(says(run, "above the window of"));
      CHECK_FALSE(says(run, "head "));
      CHECK_FALSE(run["outputs"][0]["row_kinds"][1].contains("share"));
    }
    CHECK(runs[0]["outputs"][0]["row_kinds"][2]["rows"] == 0);
  }

  TEST_CASE("the resonance in the paper's code is told by output, head, feature and row") {
    const json run = verdict_on("h200_paper_code/resonance.npz", "paper-eager", {2, 9});
    CHECK(run["verdict"]["status"] == "biased");
    CHECK(says(run, "O, head 0,0: mean "));
    CHECK(says(run, " features in themselves (1,024 rows each), most in "));
    CHECK(says(run, "at rows with two or more equal maxima"));
    const json& o = run["outputs"][0];
    // h200_resonance/README.md: -0.085, -0.176 and -0.214 in rows 64 to 1023 of gaps 11, 14, 16.
    REQUIRE(o["heads"].size() == 3);
    constexpr std::array recorded{-0.085, -0.176, -0.214};
    uint64_t elements = 0;
    double sum = 0;
    for (size_t h = 0; h < recorded.size(); ++h) {
      CAPTURE(h);
      const json& head = o["heads"][h];
      // The first 64 of 1,024 rows differ by no more than an ulp in the mean.
      CHECK(std::fabs(head["mean_ulp"].get<double>() - recorded[h]) < 64.0 / 1024.0);
      elements += head["count"].get<uint64_t>();
      sum += head["mean_ulp"].get<double>() * head["count"].get<double>();
    }
    // The heads add up to the tensor, and tied rows to nearly all of it.
    CHECK(elements == o["count"]);
    CHECK(sum / static_cast<double>(elements) == doctest::Approx(o["mean_ulp"].get<double>()));
    CHECK(o["row_kinds"][0]["share"].get<double>() == doctest::Approx(1.0));
    CHECK(o["row_kinds"][1]["share"].get<double>() > 0.9);
    CHECK(o["row_kinds"][1]["rows"] >= o["row_kinds"][2]["rows"]);
  }

  TEST_CASE("nothing is called below |z| = 5, nor with fewer than 25 errors") {
    const auto errors = [](int count, int larger) {
      ErrorStatistics all;
      for (int i = 0; i < count; ++i) {
        const int64_t residue = i < larger ? residue_one_ulp / 4 : -residue_one_ulp / 4;
        const Record record{residue, Flag::inexact | Flag::judged, false};
        Cluster row;
        row.add(record);
        all.moments.add(record);
        all.rows.add(row);
      }
      return all;
    };
    // Single errors of one size: z = (L - S) / sqrt(L + S - (L - S)^2 / n) but for n / (n - 1).
    CHECK_FALSE(called_bias(errors(24, 24)));
    CHECK(called_bias(errors(25, 25)));
    CHECK_FALSE(called_bias(errors(100, 72)));  // 44 / sqrt(80.6) = 4.9
    CHECK(called_bias(errors(100, 73)));        // 46 / sqrt(78.8) = 5.2, 5.16 with the factor
  }
}
