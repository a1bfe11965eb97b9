#include "ulpscope/compare/prefix_error.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/round/value.hpp"

#include <cmath>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr int64_t keys = 256;

// One head of a law, with the views that a Problem takes.
struct Drawn {
  LawTensors tensors;
  Problem problem;

  explicit Drawn(const Law& law) : tensors(draw(law, {.rows = keys, .keys = keys, .dim = 64})) {
    problem = {.rows = keys,
               .keys = keys,
               .dim = 64,
               .format = bf16,
               .mask = no_mask,
               .scale = default_scale(64),
               .launch = {.batch = 1, .heads = 100'000},
               .q = tensors.q,
               .k = tensors.k,
               .v = tensors.v};
  }
  Drawn(const Drawn&) = delete;
  Drawn& operator=(const Drawn&) = delete;

  Plan plan(const char* kernel) const {
    return make_plan(recipe_named(kernel), chip_named("h200"), problem, {});
  }
};

TracedElement element_of_o(int64_t row, int64_t feature) {
  return {.row = row, .feature = feature, .output = TracedOutput::o};
}

}  // namespace

TEST_SUITE("prefix error") {
  TEST_CASE("the last step is the element with its own bits") {
    for (const auto& shape :
         {Shape{.rows = 10, .keys = 136, .dim = 72, .mask = causal_mask},
          Shape{.rows = 3, .keys = 40, .dim = 64, .batch = 2, .heads = 2, .kv_heads = 1}}) {
      const auto owned = random_problem(1, shape);
      const Plan plan = plan_of(owned);
      const auto element = element_of_o(shape.batch * shape.heads * shape.rows - 2, 5);
      const auto errors = prefix_errors(plan, element, PrefixOf::stored);
      const SeenKeys seen = plan.seen(shape.rows - 2);
      REQUIRE(errors.steps.size() == static_cast<size_t>(seen.end - seen.first));
      const double stored = double_value(bf16, history_of(plan, element).code);
      // One subtraction and one exact scaling in binary64.
      CHECK(errors.error() ==
            doctest::Approx(std::ldexp(stored - errors.exact, -errors.ulp_exponent)).epsilon(1e-9));
      CHECK(errors.steps.back().key == seen.end - 1);
    }
  }

  TEST_CASE("where two keys weigh 1 and the rest nothing to be seen, only these two make jumps") {
    // The paper's figure 6, with the scores of the paper's code and of the library's.
    const Drawn drawn({.kind = LawKind::ties, .gap = 15, .sink = 0.5});
    for (const char* kernel : {"fa2-torch", "kernel", "paper-eager"}) {
      const Plan plan = drawn.plan(kernel);
      int jumps = 0;
      int at_one = 0;
      double sum = 0;
      for (int64_t row = 0; row < 16; ++row) {
        const auto errors = prefix_errors(plan, element_of_o(row, 3), PrefixOf::product);
        sum += errors.error();
        for (size_t i = 0; i < errors.steps.size(); ++i) {
          if (std::abs(errors.jump(i)) < 0.125) continue;
          ++jumps;
          at_one += errors.steps[i].probability >= 1;
          // Keys 0 and 1 have no key before them that could break their tie: key 2 does.
          if (errors.steps[i].probability < 1) {
            CHECK(errors.steps[i].key == 2);
            CHECK(std::abs(errors.steps[1].error) > 0.45);
            CHECK(errors.steps[0].probability >= 1);
          }
        }
      }
      CAPTURE(kernel);
      CHECK(at_one > 8);
      CHECK(jumps < 2 * at_one);
      CHECK(sum < 0);
    }
  }

  TEST_CASE("on normal numbers most jumps are made by other keys") {
    const Drawn drawn({.kind = LawKind::normal});
    const auto errors =
        prefix_errors(drawn.plan("fa2-torch"), element_of_o(7, 3), PrefixOf::product);
    int jumps = 0;
    int at_powers = 0;
    for (size_t i = 0; i < errors.steps.size(); ++i) {
      if (std::abs(errors.jump(i)) < 0.125) continue;
      ++jumps;
      at_powers += is_power_of_two(errors.steps[i].probability);
    }
    CHECK(jumps > 20);
    CHECK(at_powers < jumps / 4);
  }

  TEST_CASE("halves are those of the staircase") {
    PrefixErrors errors;
    for (const double error : {0.0, -0.3, 0.1, -0.25, -0.4}) {
      errors.steps.push_back({static_cast<int64_t>(errors.steps.size()), 1, 1, 1, error});
    }
    CHECK(errors.shortest_half() == 1);
    CHECK(errors.lasting_half() == 3);
    CHECK(errors.jump(0) == 0.0);
    CHECK(errors.jump(2) == doctest::Approx(0.4));
  }

  TEST_CASE("powers of two are told from their neighbours") {
    CHECK(is_power_of_two(1.0));
    CHECK(is_power_of_two(0x1p-20));
    CHECK_FALSE(is_power_of_two(0.75));
    CHECK_FALSE(is_power_of_two(0.0));
  }
}
