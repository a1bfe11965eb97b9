// The log of a pass, which takes rows, against its histories, which take one rounding at a time.
#include "ulpscope/attention/recipe.hpp"

#include <string>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Every rounding of the head's first tile, from the histories of its elements.
SiteStatistics from_histories(const Plan& plan) {
  SiteStatistics all{};
  const Problem& p = plan.problem;
  for (int64_t row = 0; row < p.rows; ++row) {
    for (int64_t feature = 0; feature < p.dim; ++feature) {
      HistorySink sink(row, feature);
      run_one_head(plan, sink);
      for (const HistoryStep& step : sink.steps()) {
        if (feature > 0 && row_of(step.site).axis != Axis::feature) continue;
        all[index(step.site)].moments.add(step.record);
      }
    }
  }
  return all;
}

SiteStatistics from_log(const Plan& plan) {
  TileLog tile(plan.tile_rows, plan.problem.keys, plan.problem.dim);
  run_one_head(plan, tile);
  HeadLog head;
  head.take(tile);
  SiteStatistics all{};
  head.fold_into(all);
  return all;
}

void check_log(const Plan& plan) {
  const SiteStatistics histories = from_histories(plan);
  const SiteStatistics log = from_log(plan);
  for (size_t i = 0; i < site_count; ++i) {
    INFO("site " << std::string(site_table[i].name));
    CHECK((log[i].moments == histories[i].moments));
  }
}

}  // namespace

TEST_CASE("a log that takes rows has the roundings that happen one by one") {
  for (const auto* name :
       {"fa2-torch", "memeff-torch", "flex-triton", "cudnn-9.19", "paper-eager"}) {
    INFO(std::string(name));
    const Recipe& recipe = recipe_named(name);
    const auto owned = random_problem(5, {.rows = 3, .keys = 150, .dim = 32, .mask = causal_mask});
    check_log(make_plan(recipe, chip_named("h200"), owned.problem, {}));
  }
}

TEST_CASE("rows with large scores, subnormal probabilities and infinities are logged like others") {
  auto owned = random_problem(6, {.rows = 2, .keys = 140, .dim = 32}, fp16, 8.0, 3);
  check_log(plan_of(owned));
  owned.k[40] = 0x7C00;
  check_log(plan_of(owned));
}

TEST_CASE("sites that round to other formats are logged like others") {
  const auto owned = random_problem(7, {.rows = 2, .keys = 140, .dim = 32});
  check_log(plan_of(owned, {{Site::probability_cast, {e4m3fn, saturating(nearest_even)}},
                            {Site::rescale, {bf16, nearest_even}},
                            {Site::row_sum, {fp16, toward_zero}},
                            {Site::shifted_score, {tf32, to_odd}},
                            {Site::output_store, {e5m2, nearest_even}}}));
}
