#include "ulpscope/run/element_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

// A head of the recorded resonance.
ElementOptions recorded(std::vector<int64_t> element, std::string output = "o") {
  ElementOptions options;
  options.inputs.input = std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_resonance/resonance.npz";
  options.inputs.format = bf16;
  options.inputs.layout = Layout::hsd;
  options.mask = causal_mask;
  options.launch = {2, 9};
  options.element = std::move(element);
  options.output = std::move(output);
  return options;
}

double sum_of_sources(const json& result) {
  double sum = result["rest_ulp"].get<double>();
  for (const auto& source : result["sources"]) sum += source["ulp"].get<double>();
  return sum;
}

}  // namespace

TEST_SUITE("element run") {
  TEST_CASE("an element of the resonance is explained by its store, and by keys with P = 1") {
    const json result = run_element(recorded({0, 8, 512, 9}));
    const double error = result["error_ulp"].get<double>();
    CHECK(result["schema"] == "ulpscope.history/1");
    CHECK(result["sources"][0]["site"] == "output_store");
    CHECK(sum_of_sources(result) == doctest::Approx(error).epsilon(1e-9));
    const json& stored = result["prefix"]["stored"];
    CHECK(stored["steps"].size() == 513);
    CHECK(stored["error_ulp"].get<double>() == doctest::Approx(error).epsilon(1e-6));
    // The paper's figure 6: one jump, at the second key with P = 1.
    CHECK(result["prefix"]["product"]["jumps"]["all"] == 1);
    CHECK(result["prefix"]["product"]["jumps"]["at_one"] == 1);
    CHECK(result["prefix"]["product"]["half_by_key"] == 1);
    CHECK(result["verdict"].get<std::string>().starts_with("The error of "));
    // The last step is the store of the element itself.
    const json& last = result["steps"].back();
    CHECK(last["site"] == "output_store");
    CHECK(last["bits"].get<std::string>().substr(0, 6) ==
          result["element"]["bits"].get<std::string>());
    CHECK(last["operands"][0]["name"] == "O");
    CHECK(last["exact"] == last["operands"][0]["value"]);
  }

  TEST_CASE("the LSE has a history, and no staircase") {
    const json result = run_element(recorded({0, 8, 512}, "lse"));
    CHECK(result["format"] == "fp32");
    CHECK(result["steps"].back()["site"] == "lse");
    CHECK_FALSE(result.contains("prefix"));
    CHECK(sum_of_sources(result) == doctest::Approx(result["error_ulp"].get<double>()));
  }

  TEST_CASE("a site that is set otherwise is followed as it is set") {
    auto options = recorded({0, 8, 512, 9});
    options.overrides = {parse_override("output_store=bf16:rz")};
    const json result = run_element(options);
    // Truncation: whatever is cut, the guard bit included, the result is the value's own prefix.
    const json& last = result["steps"].back();
    const auto before = last["before"].get<std::string>();
    const auto after = last["after"].get<std::string>();
    CHECK(before.substr(0, before.find('|')) == after.substr(0, after.find('|')));
  }

  TEST_CASE("elements, outputs and kernels that there are not are refused") {
    CHECK_THROWS_AS(run_element(recorded({0, 9, 0, 0})), Error);
    CHECK_THROWS_AS(run_element(recorded({0, 8, 512})), Error);
    CHECK_THROWS_AS(run_element(recorded({0, 8, 512, 3}, "lse")), Error);
    CHECK_THROWS_AS(run_element(recorded({0, 8, 512, 3}, "x")), Error);
    auto options = recorded({0, 8, 512, 9});
    options.kernel = "exact";
    CHECK_THROWS_AS(run_element(options), Error);
  }
}
