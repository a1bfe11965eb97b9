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
  TEST_CASE("every site has its two runs, and what they make of the error") {
    const auto result = run_attribution(recorded());
    REQUIRE(result);
    CHECK((*result)["schema"] == "ulpscope.attribution/1");
    REQUIRE((*result)["tensors"].size() == 1);
    const auto& o = (*result)["tensors"][0];
    CHECK(o["name"] == "o");
    CHECK(o["everything_exact"]["rms_ulp"].get<double>() < 0.01);
    bool has_store = false;
    for (const auto& site : o["sites"]) {
      has_store = has_store || site["site"] == "output_store";
      CHECK(site.contains("exact_here"));
      CHECK(site.contains("exact_elsewhere"));
    }
    CHECK(has_store);
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
    CHECK(o["cause"]["site"] == "output_store");
    CHECK(o["verdict"].get<std::string>().starts_with("output_store causes it: exact there"));
  }
}
