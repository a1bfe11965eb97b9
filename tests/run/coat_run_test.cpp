#include "ulpscope/run/coat_run.hpp"

#include "ulpscope/analysis/moment_errors.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include "support/temporary_folder.hpp"
#include "tensor/files.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Tensor moment(const std::string& name, const std::vector<uint32_t>& codes) {
  Tensor tensor = make_tensor({name, Element::fp32, {static_cast<int64_t>(codes.size())}});
  std::copy(codes.begin(), codes.end(), words<uint32_t>(tensor).begin());
  return tensor;
}

// The message of an error of kind usage.
template <class Action>
std::string usage_refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  FAIL_CHECK("not refused");
  return {};
}

}  // namespace

TEST_SUITE("coat run") {
  TEST_CASE("the states of a file have the table of the same states drawn") {
    const TemporaryFolder here;
    const AdamLaw law{.values = 300, .steps = 5};
    const AdamStates states = draw_adam_states(law);
    const auto file = (here.path() / "adam.safetensors").string();
    write_safetensors(file, std::vector{moment("m", states.first), moment("v", states.second)});
    const auto drawn = run_coat({.law = law});
    const auto read = run_coat({.first = file + ":m", .second = file + ":v"});
    CHECK(drawn["steps"] == read["steps"]);
    CHECK(drawn["first"] == read["first"]);
    CHECK(drawn["groups"] == 3);
    CHECK(drawn["source"]["steps"] == 5);
    CHECK(read["source"]["second"]["shape"][0] == 300);
    const auto errors = moment_errors(states.first, states.second);
    CHECK(drawn["steps"][2][3]["mean"] == errors.steps[2][3].mean);
    CHECK(drawn["gain"] == errors.steps[0][0].mean / errors.steps[1][1].mean);
  }

  TEST_CASE("one moment without the other is refused") {
    CHECK(contains(usage_refusal([] { run_coat({.first = "m.npy"}); }), "expected both"));
  }
}
