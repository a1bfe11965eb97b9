#include "ulpscope/run/attribute_run.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

AttributeOptions recorded() {
  AttributeOptions options;
  options.inputs.input =
      std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz";
  options.inputs.format = bf16;
  options.inputs.layout = Layout::bhsd;
  options.mask = causal_mask;
  options.backward = BackwardChoice::off;
  options.threads = 2;
  return options;
}

}  // namespace

TEST_SUITE("attribute run") {
  TEST_CASE("every step has its runs, in the order of the computation, and the rows their risk") {
    const auto result = run_attribution(recorded());
    REQUIRE(result);
    CHECK((*result)["schema"] == "ulpscope.attribution/1");
    REQUIRE((*result)["tensors"].size() == 1);
    const auto& o = (*result)["tensors"][0];
    CHECK(o["name"] == "o");
    CHECK(o["biased"] == false);
    CHECK(o["verdict"].get<std::string>().ends_with("nobody is accused"));
    CHECK(o["everything_exact"]["rms_ulp"].get<double>() < 0.01);
    for (const auto& step : o["steps"]) {
      for (const char* figures : {"exact_here", "removed", "exact_elsewhere", "increment"}) {
        CHECK(step[figures].contains("z"));
      }
    }
    CHECK(o["steps"].front()["name"] == "scores");
    CHECK(o["steps"].back()["name"] == "output_store");
    const auto& rows = (*result)["rows"];
    CHECK(rows["watched"].get<int64_t>() > rows["at_risk"].get<int64_t>());
  }

  TEST_CASE("a planted rounding is named in the verdict") {
    auto options = recorded();
    // A narrow P errs by many of the small ulps near 0, beside which half an ulp is not seen.
    options.overrides = {parse_override("output_store=bf16:rd"),
                         parse_override("probability_cast=fp32")};
    const auto result = run_attribution(options);
    REQUIRE(result);
    const auto& o = (*result)["tensors"][0];
    REQUIRE(o["biased"] == true);
    CHECK(o["cause"]["steps"] == nlohmann::json::array({"output_store"}));
    CHECK(o["remedy"]["step"] == "output_store");
    CHECK(o["verdict"].get<std::string>().starts_with("output_store causes the bias: it brings"));
  }
}
