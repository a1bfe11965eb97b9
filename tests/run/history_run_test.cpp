#include "ulpscope/run/history_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/compare_run.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

const std::string recorded =
    std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz";

// Two tensors of the recording, told by kernels on its inputs.
CompareOptions recorded_options(const std::string& a, const std::string& b,
                                std::vector<std::string> kernels) {
  CompareOptions options;
  options.a = recorded + ":" + a;
  options.b = recorded + ":" + b;
  options.format = bf16;
  options.history.emplace();
  options.history->inputs.input = recorded;
  options.history->inputs.format = bf16;
  options.history->inputs.layout = Layout::bhsd;
  options.history->mask = causal_mask;
  options.history->kernels = std::move(kernels);
  return options;
}

ErrorKind kind_of_refusal(const CompareOptions& options) {
  try {
    run_compare(options);
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("accepted");
  return ErrorKind::resource;
}

}  // namespace

TEST_SUITE("history run") {
  TEST_CASE("the kernels give the bits of their own recordings where these differ") {
    const auto summary =
        run_compare(recorded_options("fa_o", "eff_o", {"fa2-torch", "memeff-torch@h200"}));
    const auto& history = summary["history"];
    CHECK(history["output"] == "o");
    CHECK(history["index"] == summary["comparison"]["first_difference"]["index"]);
    CHECK(history["kernels"][0]["agrees_with"] == nlohmann::json{"a"});
    CHECK(history["kernels"][1]["agrees_with"] == nlohmann::json{"b"});
    CHECK(history["kernels"][1]["name"] == "memeff-torch@h200");
    REQUIRE(history.contains("parting"));
    CHECK(history["parting"][0]["site"] == history["parting"][1]["site"]);
    CHECK(history["parting"][0]["bits"] != history["parting"][1]["bits"]);
    CHECK(text_summary(summary).find("They part at") != std::string::npos);
  }

  TEST_CASE("one kernel has a history without a parting, of any element") {
    auto options = recorded_options("fa_lse", "fa_lse", {"fa2-torch"});
    CHECK_FALSE(run_compare(options).contains("history"));  // nothing differs
    options.history->element = {0, 0, 7, 0};
    const auto history = run_compare(options)["history"];
    CHECK(history["output"] == "lse");
    CHECK(history["index"] == std::vector<int64_t>{0, 0, 7, 0});
    CHECK(history["kernels"][0]["agrees_with"] == nlohmann::json{"a", "b"});
    CHECK_FALSE(history.contains("parting"));
    CHECK(history["kernels"][0]["steps"][0]["site"] == "scores");
    CHECK(history["kernels"][0]["steps"][0]["key"] == 0);
  }

  TEST_CASE("what cannot be told is a usage error") {
    for (const auto& kernels :
         std::vector<std::vector<std::string>>{{},
                                               {"exact"},
                                               {"no-such-kernel"},
                                               {"fa2-torch@sm70"},
                                               {"fa2-torch", "exact"},
                                               {"fa2-torch", "fa2-torch", "fa2-torch"}}) {
      CHECK(kind_of_refusal(recorded_options("fa_o", "eff_o", kernels)) == ErrorKind::usage);
    }
    auto options = recorded_options("fa_o", "eff_o", {"fa2-torch"});
    options.history->element = {0, 0, 300, 0};
    CHECK(kind_of_refusal(options) == ErrorKind::usage);
    options.history->element = {0, 0, 3};
    CHECK(kind_of_refusal(options) == ErrorKind::usage);
  }

  TEST_CASE("an element's place counts the codes") {
    CHECK(element_place({1, 0, 2, 3}, {2, 3, 4, 5}) == 1 * 60 + 0 * 20 + 2 * 5 + 3);
    CHECK_THROWS_AS(element_place({-1}, {3}), Error);
  }
}
