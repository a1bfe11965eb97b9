#include "ulpscope/run/monitors_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/sample_run.hpp"

#include <array>
#include <cmath>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using ulpscope::test::TemporaryFolder;

namespace {

MonitorsOptions recorded(const std::string& file, Layout layout) {
  MonitorsOptions options;
  options.inputs.input = std::string(ULPSCOPE_DATA_DIR) + "/captures/" + file;
  options.inputs.format = bf16;
  options.inputs.layout = layout;
  options.mask = causal_mask;
  options.threads = 2;
  return options;
}

}  // namespace

TEST_SUITE("monitors run") {
  TEST_CASE("at the resonance, delta drifts by the shares that the recording's README gives") {
    auto options = recorded("h200_resonance/resonance.npz", Layout::hsd);
    options.launch = {2, 9};
    const auto result = run_monitors(options);
    REQUIRE(result);
    constexpr std::array shares{0.144,  -0.500, -0.753, 0.865, -0.945,
                                -0.919, 0.887,  -0.991, -0.957};
    const auto& heads = (*result)["heads"];
    REQUIRE(heads.size() == shares.size());
    for (size_t h = 0; h < shares.size(); ++h) {
      CAPTURE(h);
      // To the printed digit.
      CHECK(std::abs(heads[h]["delta"]["share"].get<double>() - shares[h]) <= 0.0005);
      CHECK(heads[h]["delta"]["cumulative"].back() == heads[h]["delta"]["drift"]);
      // All rows but the first see both of the equal keys.
      CHECK(heads[h]["rows_equal"] == 1023);
    }
    // The window is entered as the gap grows.
    CHECK(heads[0]["rows_at_risk"].get<int>() < 150);
    CHECK(heads[3]["rows_at_risk"].get<int>() > 500);
    CHECK(heads[6]["rows_at_risk"].get<int>() > 700);
  }

  TEST_CASE("a sink with much weight beside it puts no row at risk") {
    auto options = recorded("h200_torch2.11_sdpa/bf_d64_n1024_sink.npz", Layout::bhsd);
    options.backward = BackwardChoice::off;
    const auto result = run_monitors(options);
    REQUIRE(result);
    const auto& head = (*result)["heads"][0];
    CHECK(head["rows_equal"].get<int>() > 900);
    CHECK(head["rows_at_risk"] == 0);
    CHECK_FALSE(head.contains("delta"));
  }

  TEST_CASE("with tokens the drift is followed into the gradient of W^Q") {
    const TemporaryFolder here;
    const LawShape shape{.heads = 1, .rows = 128, .keys = 128, .dim = 32};
    const auto write = [&](const char* name, const Law& law) {
      write_sample({.law = law, .shape = shape}, (here.path() / name).string());
      return (here.path() / name).string();
    };
    MonitorsOptions options;
    options.inputs.input = write("head.safetensors", {.kind = LawKind::ties, .gap = 15});
    options.inputs.files["x"] = write("normal.safetensors", {.kind = LawKind::normal}) + ":q";
    const auto apart = run_monitors(options);
    // Numbers in [0, 1) have a mean that they share.
    options.inputs.files["x"] = write("uniform.safetensors", {.kind = LawKind::uniform}) + ":q";
    const auto alike = run_monitors(options);
    REQUIRE(apart);
    REQUIRE(alike);
    const auto& a = (*apart)["heads"][0]["weight_error"];
    const auto& b = (*alike)["heads"][0]["weight_error"];
    CHECK(a["tokens"] == 128);
    CHECK(std::abs(a["similarity"].get<double>()) < 0.05);
    CHECK(b["similarity"].get<double>() > std::abs(a["similarity"].get<double>()));
    CHECK(b["effective_rank"].get<double>() < a["effective_rank"].get<double>());
    for (const auto* error : {&a, &b}) {
      CHECK((*error)["spectral_norm"].get<double>() > 0);
      CHECK((*error)["spectral_norm"].get<double>() <= (*error)["largest"].get<double>());
    }
    options.inputs.files["x"] =
        std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_resonance/resonance.npz:q";
    CHECK_THROWS_AS(run_monitors(options), Error);
  }

  TEST_CASE("local heads stand beside the global ones, and see no larger scores") {
    auto options = recorded("h200_resonance/resonance.npz", Layout::hsd);
    options.launch = {2, 9};
    options.backward = BackwardChoice::off;
    options.compare_window = 16;
    const auto result = run_monitors(options);
    REQUIRE(result);
    const auto& global = (*result)["heads"];
    const auto& local = (*result)["local"]["heads"];
    REQUIRE(local.size() == global.size());
    for (size_t h = 0; h < global.size(); ++h) {
      CHECK(local[h]["largest_score"].get<double>() <= global[h]["largest_score"].get<double>());
      // 17 keys a row, fewer in the first 16.
      CHECK(local[h]["pairs"] == 17 * 1024 - 16 * 17 / 2);
      // The two equal keys stand at the beginning: few rows see them now.
      CHECK(local[h]["rows_equal"].get<int>() < global[h]["rows_equal"].get<int>() / 4);
    }
  }

  TEST_CASE("kernels without scores and unknown ones are refused") {
    auto options = recorded("h200_torch2.11_sdpa/bf_d64_n1024_sink.npz", Layout::bhsd);
    options.kernel = "exact";
    CHECK_THROWS_AS(run_monitors(options), Error);
    options.kernel = "no-such";
    CHECK_THROWS_AS(run_monitors(options), Error);
  }
}
