#include "ulpscope/compare/step_operands.hpp"

#include "ulpscope/compare/element_history.hpp"
#include "ulpscope/trace/lost_bits.hpp"

#include <map>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Shape three_tiles{.rows = 10, .keys = 136, .dim = 72, .mask = causal_mask};

double number(uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); }

double exact_of(const Plan& plan, const HistoryStep& step) {
  const auto exact = exact_before(plan.map[step.site].format, step.value, step.record);
  REQUIRE(exact);
  return bit_cast<double>(round_pack(fp64, *exact, nearest_even).bits);
}

struct Known {
  ElementHistory history;
  std::vector<std::vector<StepOperand>> operands;
  std::map<Site, int> seen = {};

  double operand(size_t step, size_t i) const {
    return number(history.steps[operands[step].at(i).step].value);
  }
};

// The exact value of every step that is one operation of its operands. Products of binary32 numbers
// and sums of near ones are exact in binary64.
void check_values(const Plan& plan, Known& known) {
  for (size_t i = 0; i < known.history.steps.size(); ++i) {
    const HistoryStep& step = known.history.steps[i];
    const auto& operands = known.operands[i];
    if (!has_error(step.record) || operands.empty()) continue;
    CAPTURE(i);
    CAPTURE(row_of(step.site).name);
    ++known.seen[step.site];
    if (step.site == Site::rescale) {
      CHECK(exact_of(plan, step) == known.operand(i, 0) * known.operand(i, 1));
    } else if (step.site == Site::normalise && operands[1].name == "1/l") {
      CHECK(exact_of(plan, step) == known.operand(i, 0) * known.operand(i, 1));
    } else if (step.site == Site::probability_cast || step.site == Site::output_store) {
      CHECK(exact_of(plan, step) == known.operand(i, 0));
    } else if (step.site == Site::output_add && operands.size() == 2) {
      CHECK(exact_of(plan, step) == known.operand(i, 0) + known.operand(i, 1));
    }
  }
}

Known known_of(const Plan& plan) {
  Known known{.history = history_of(plan, {.row = 7, .feature = 5, .output = TracedOutput::o}),
              .operands = {}};
  known.operands = step_operands(plan, known.history.steps);
  check_values(plan, known);
  return known;
}

}  // namespace

TEST_SUITE("step operands") {
  TEST_CASE("the operands named give the exact values of the steps, in registers") {
    const auto owned = random_problem(1, three_tiles);
    const auto known = known_of(plan_of(owned));
    for (const Site site : {Site::rescale, Site::normalise, Site::probability_cast,
                            Site::output_store, Site::shifted_score}) {
      CHECK(known.seen.contains(site));
    }
  }

  TEST_CASE("and where each tile's product is rounded by itself") {
    const auto owned = random_problem(2, {.rows = 8, .keys = 1024, .dim = 64, .mask = no_mask});
    const auto known =
        known_of(make_plan(recipe_named("paper-eager"), chip_named("h200"), owned.problem, {}));
    CHECK(known.seen.contains(Site::output_add));
    CHECK(known.seen.contains(Site::output_store));
  }

  TEST_CASE("a score's steps follow each other key by key") {
    const auto owned = random_problem(3, three_tiles);
    const auto known = known_of(plan_of(owned));
    for (size_t i = 0; i < known.history.steps.size(); ++i) {
      const HistoryStep& step = known.history.steps[i];
      if (row_of(step.site).axis != Axis::key || known.operands[i].empty()) continue;
      CHECK(known.operands[i][0].name == "s");
      CHECK(known.history.steps[known.operands[i][0].step].column == step.column);
      CHECK(known.operands[i][0].step < i);
    }
  }
}
