#include "ulpscope/compare/engines.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/exact.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/trace/bias.hpp"

#include <cmath>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

EngineChoice on(const Recipe& recipe, const char* chip = "h200") {
  return {&recipe, &chip_named(chip)};
}

struct Ran {
  OwnedProblem owned;
  std::vector<uint16_t> dout;
  std::vector<PlannedEngine> engines;
  EngineResults results;
};

enum class Pass { forward, both };

Ran ran(const std::vector<EngineChoice>& choices, const Shape& shape, Pass pass = Pass::forward,
        int threads = 2) {
  Ran r{.owned = random_problem(7, shape), .dout = {}, .engines = {}, .results = {}};
  Random random(8);
  if (pass == Pass::both) {
    r.dout = random_codes(random, bf16, static_cast<int64_t>(r.owned.q.size()));
  }
  const EngineProblem problem{r.owned.problem, r.dout};
  r.engines = plan_engines(choices, problem);
  r.results = run_engines(r.engines, problem, {.threads = threads});
  return r;
}

constexpr Shape shape{.rows = 70, .keys = 300, .dim = 16, .heads = 2, .kv_heads = 1};

}  // namespace

TEST_CASE("an engine is named by kernel and chip, and exact by itself") {
  CHECK(engine_name(on(fa2_torch, "sm80")) == "fa2-torch@sm80");
  CHECK(engine_name(on(exact_attention, "sm80")) == "exact");
}

TEST_CASE("one kernel on two names of a chip is equal in every bit of every tensor") {
  const auto r = ran({on(fa2_torch, "h200"), on(fa2_torch, "sm90")}, shape, Pass::both);
  REQUIRE(r.results.tensors.size() == 5);
  for (const auto& tensor : r.results.tensors) {
    REQUIRE(tensor.pairs.size() == 1);
    CHECK(tensor.pairs[0].different_bits == 0);
    CHECK(tensor.pairs[0].difference.moments.largest == 0);
    CHECK(tensor.groups() == std::vector<std::vector<size_t>>{{0, 1}});
  }
  CHECK(r.results.tensors[3].outputs[0].codes.size() == 300 * 16);
}

TEST_CASE("a kernel with one field changed stands in a group of its own") {
  Recipe other = fa2_torch;
  other.key_order = KeyOrder::ascending;
  const auto r = ran({on(fa2_torch), on(other), on(fa2_torch, "sm90")}, shape);
  const auto& o = r.results.tensors.at(0);
  CHECK(o.groups() == std::vector<std::vector<size_t>>{{0, 2}, {1}});
  REQUIRE(o.pairs.size() == 3);
  CHECK(o.pairs[0].different_bits > 0);
  CHECK(o.pairs[1].different_bits == 0);  // (0, 2)
  CHECK(o.pairs[2].different_bits == o.pairs[0].different_bits);
}

TEST_CASE("a pair's figures are those of its elements: first less second, in ulps of the second") {
  const auto r = ran({on(fa2_torch), on(memeff_torch)}, shape);
  const auto& o = r.results.tensors.at(0);
  uint64_t different = 0;
  double sum = 0;
  double largest = 0;
  for (size_t i = 0; i < o.outputs[0].codes.size(); ++i) {
    const auto a = static_cast<double>(bit_cast<float>(o.outputs[0].codes[i] << 16));
    const auto b = static_cast<double>(bit_cast<float>(o.outputs[1].codes[i] << 16));
    const double error = (a - b) * std::ldexp(1.0, 7 - std::ilogb(b));
    different += o.outputs[0].codes[i] != o.outputs[1].codes[i];
    sum += error;
    largest = std::max(largest, std::fabs(error));
  }
  const auto& pair = o.pairs.at(0);
  CHECK(different > 0);
  CHECK(pair.different_bits == different);
  const auto count = static_cast<double>(o.outputs[0].codes.size());
  CHECK(summarise(pair.difference).by_value.mean == doctest::Approx(sum / count).epsilon(1e-9));
  CHECK(std::ldexp(static_cast<double>(pair.difference.moments.largest), -32) == largest);
  CHECK(pair.difference.rows.clusters == 140);
  CHECK(pair.difference.columns.clusters == 32);
}

TEST_CASE("an engine's tensors are those of its run alone") {
  const auto r = ran({on(memeff_torch), on(fa2_torch)}, shape, Pass::both);
  const auto alone = run_judged(*r.engines[1].plan, {});
  const auto gradients = run_judged_gradients(*r.engines[1].backward, r.dout, alone, {});
  const auto& tensors = r.results.tensors;
  CHECK(tensors[0].outputs[1].codes == alone.o);
  CHECK(tensors[1].outputs[1].codes == alone.lse);
  CHECK(tensors[2].outputs[1].codes == gradients.dq.codes);
  CHECK(tensors[3].outputs[1].codes == gradients.dk.codes);
  CHECK(tensors[4].outputs[1].codes == gradients.dv.codes);
  CHECK(tensors[0].outputs[1].errors == alone.o_errors.statistics());
  CHECK(tensors[4].outputs[1].errors == gradients.dv.errors.statistics());
}

TEST_CASE("a kernel that does not take the problem is kept with its reason") {
  Shape windowed = shape;
  windowed.mask = {.left = 5, .right = 0};
  const auto r = ran({on(cudnn_9_19), on(fa2_torch), on(fa2_torch, "sm70"), on(exact_attention)},
                     windowed, Pass::both);
  CHECK(r.engines[0].plan == nullptr);
  CHECK(r.engines[0].refusal.find("windows") != std::string::npos);
  CHECK(r.engines[1].refusal.empty());
  CHECK(r.engines[2].refusal.find("sm70") != std::string::npos);
  CHECK(r.engines[3].refusal.empty());
  CHECK_FALSE(r.engines[3].backward_refusal.empty());
  const auto& o = r.results.tensors.at(0);
  REQUIRE(o.outputs.size() == 2);
  CHECK(o.outputs[0].engine == 1);
  CHECK(o.outputs[1].engine == 3);
  CHECK(r.results.tensors.at(2).outputs.size() == 1);  // dq
}

TEST_CASE("an input that nobody could take is an error, not a refusal") {
  auto owned = random_problem(7, shape);
  owned.problem.q = owned.problem.q.first(3);
  const std::vector<EngineChoice> choices{on(fa2_torch)};
  CHECK_THROWS_AS(plan_engines(choices, {owned.problem, {}}), Error);
}

TEST_CASE("each chip launches on its own multiprocessors, unless the problem says otherwise") {
  auto owned = random_problem(7, {.rows = 64, .keys = 4096, .dim = 16, .launch_heads = 20});
  owned.problem.launch.multiprocessors = 0;
  const std::vector<EngineChoice> choices{on(fa2_torch, "sm80"), on(fa2_torch, "sm89")};
  auto engines = plan_engines(choices, {owned.problem, {}});
  CHECK(engines[0].plan->problem.launch.multiprocessors == 108);
  CHECK(engines[1].plan->problem.launch.multiprocessors == 142);
  owned.problem.launch.multiprocessors = 7;
  engines = plan_engines(choices, {owned.problem, {}});
  CHECK(engines[0].plan->problem.launch.multiprocessors == 7);
}

TEST_CASE("the sum of cuDNN's dQ parts is known to have no order") {
  const auto r =
      ran({on(fa2_torch), on(cudnn_9_19)}, {.rows = 40, .keys = 400, .dim = 64}, Pass::both);
  CHECK_FALSE(r.results.unordered_dq[0]);
  CHECK(r.results.unordered_dq[1]);
}

TEST_CASE("the number of threads changes nothing") {
  const std::vector<EngineChoice> choices{on(fa2_torch), on(memeff_torch)};
  const auto one = ran(choices, shape, Pass::both, 1).results;
  const auto seven = ran(choices, shape, Pass::both, 7).results;
  for (size_t t = 0; t < one.tensors.size(); ++t) {
    const auto& x = one.tensors[t];
    const auto& y = seven.tensors[t];
    CHECK(x.outputs[1].codes == y.outputs[1].codes);
    CHECK(x.outputs[1].errors == y.outputs[1].errors);
    CHECK(x.pairs[0].difference == y.pairs[0].difference);
  }
}

TEST_CASE("steps are counted as they are reported, and a stop ends the run") {
  auto owned = random_problem(7, shape);
  const EngineProblem problem{owned.problem, {}};
  const std::vector<EngineChoice> choices{on(fa2_torch), on(exact_attention)};
  const auto engines = plan_engines(choices, problem);
  int64_t last = 0;
  run_engines(engines, problem, {.progress = [&](int64_t done) { last = done; }});
  CHECK(last == engine_steps(engines));
  const std::atomic<bool> stop = true;
  CHECK_FALSE(run_engines(engines, problem, {.stop = &stop}).complete);
}
