#include "ulpscope/run/drift_run.hpp"

#include "ulpscope/base/error.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

// Small heads, many steps.
DriftRunOptions drawn(const Law& law) {
  DriftRunOptions options;
  options.law = law;
  options.shape = {.heads = 1, .rows = 64, .keys = 256, .dim = 64};
  options.steps = 40;
  options.threads = 2;
  return options;
}

double exponent(const nlohmann::json& result, const char* curve) {
  return result["curves"][curve]["exponent"].get<double>();
}

}  // namespace

TEST_SUITE("drift run") {
  TEST_CASE("at the resonance the coefficients have one sign, and only a shared direction grows") {
    const auto result = run_drift(drawn({.kind = LawKind::ties, .gap = 15, .sink = 0.5}));
    REQUIRE(result);
    REQUIRE((*result)["coefficients"].size() == 40);
    CHECK(std::abs((*result)["share"].get<double>()) > 0.9);
    // Bounds halfway between the laws n and sqrt(n).
    CHECK(exponent(*result, "shared") > 0.75);
    CHECK(exponent(*result, "random") < 0.75);
    CHECK(exponent(*result, "flipped") < 0.75);
  }

  TEST_CASE("normal numbers have no common sign") {
    const auto result = run_drift(drawn({.kind = LawKind::normal}));
    REQUIRE(result);
    CHECK(std::abs((*result)["share"].get<double>()) < 0.5);
  }

  TEST_CASE("a step's coefficient is its seed's, however many steps there are") {
    auto options = drawn({.kind = LawKind::ties, .gap = 15, .sink = 0.5});
    options.steps = 3;
    const auto three = run_drift(options);
    options.steps = 1;
    options.law.seed += 2;
    options.threads = 1;
    const auto third = run_drift(options);
    CHECK((*three)["coefficients"][2] == (*third)["coefficients"][0]);
  }

  TEST_CASE("the heads of a recording are steps; without do they are refused") {
    DriftRunOptions options;
    options.inputs.input =
        std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_resonance/resonance.npz";
    options.inputs.format = bf16;
    options.inputs.layout = Layout::hsd;
    options.mask = causal_mask;
    options.launch = {2, 9};
    options.threads = 2;
    options.steps = 5;
    const auto result = run_drift(options);
    REQUIRE(result);
    CHECK((*result)["coefficients"].size() == 5);
    // The fifth head drifts by the share that the recording's README gives.
    CHECK((*result)["coefficients"][4].get<double>() < -2);
    options.backward = BackwardChoice::off;
    CHECK_THROWS_AS(run_drift(options), Error);
  }
}
