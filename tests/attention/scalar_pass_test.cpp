// The pass element by element in the core's integers, as a GPU runs it, against the pass in the
// host's vector registers: the same bits of O and LSE, whatever kernel, format, mode and shape.
#include "ulpscope/attention/recipe.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

void holds(const Plan& plan) {
  ScalarSink scalar;
  CHECK(run_one_head(plan, scalar) == run_one_head(plan));
}

Plan plan_for(std::string_view kernel, const OwnedProblem& owned,
              const std::vector<SiteOverride>& overrides = {}) {
  return make_plan(recipe_named(kernel), chip_named("h200"), owned.problem, overrides);
}

constexpr Shape causal{.rows = 70, .keys = 150, .dim = 40, .mask = causal_mask};
constexpr Shape plain{.rows = 9, .keys = 200, .dim = 72};
constexpr Shape in_parts{.rows = 2, .keys = 700, .dim = 32, .launch_heads = 1};

}  // namespace

TEST_CASE("every tiled kernel has the same bits one element at a time") {
  for (const Recipe* recipe : recipes()) {
    if (recipe->engine != Engine::tiled || recipe->only) continue;
    // Exact sums are the host's alone.
    if (precision_map(*recipe, bf16)[Site::scores].source == Source::exact) continue;
    CAPTURE(std::string(recipe->name));
    const Format f = recipe->formats.empty() ? bf16 : recipe->formats.front();
    for (const Shape& shape : {causal, plain, in_parts}) {
      holds(plan_for(recipe->name, random_problem(1, shape, f)));
    }
  }
}

TEST_CASE("heads whose O is in memory, and formats and modes of the user's own") {
  holds(plan_for("memeff-torch", random_problem(2, {.rows = 5, .keys = 450, .dim = 136})));
  for (const char* site : {"scores", "shifted_score", "probability", "row_sum", "rescale",
                           "probability_cast", "output_accumulate", "output_store", "lse"}) {
    for (const char* cast : {"bf16", "e4m3fn:rz", "bf16:sr16", "e5m2:sr7a", "fp32:ru"}) {
      CAPTURE(std::string(site) + "=" + cast);
      const auto change = parse_override(std::string(site) + "=" + cast);
      holds(plan_for("fa2-torch", random_problem(3, causal), {change}));
    }
  }
}

TEST_CASE("infinities, NaN and numbers of all sizes") {
  auto owned = random_problem(4, causal, bf16, 1.5, 40);
  holds(plan_for("fa2-torch", owned));
  Random random(5);
  for (int turn = 0; turn < 12; ++turn) {
    auto hit = random_problem(random.word(), turn % 2 == 0 ? causal : in_parts);
    std::vector<uint16_t>* const targets[] = {&hit.q, &hit.k, &hit.v};
    auto& target = *targets[turn % 3];
    target[random.word() % target.size()] = turn % 4 == 0 ? 0x7F80 : 0x7FC0;
    CAPTURE(turn);
    holds(plan_for(turn % 2 == 0 ? "cudnn-9.19" : "fa2-torch", hit));
  }
}
