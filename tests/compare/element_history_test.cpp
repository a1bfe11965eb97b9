#include "ulpscope/compare/element_history.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Shape three_tiles{.rows = 10, .keys = 136, .dim = 72, .mask = causal_mask};
constexpr Shape four_heads{.rows = 3, .keys = 40, .dim = 64, .batch = 2, .heads = 2, .kv_heads = 1};
constexpr Shape ten_parts{.rows = 2, .keys = 2400, .dim = 32, .launch_heads = 1};

size_t steps_at(const ElementHistory& history, Site site) {
  return static_cast<size_t>(std::count_if(history.steps.begin(), history.steps.end(),
                                           [&](const auto& step) { return step.site == site; }));
}

ElementHistory history_of_o(const Plan& plan, int64_t row, int64_t feature) {
  return history_of(plan, {.row = row, .feature = feature, .output = TracedOutput::o});
}

}  // namespace

TEST_SUITE("element history") {
  TEST_CASE("a history ends in the element of the whole run") {
    const auto owned = random_problem(1, three_tiles);
    const Plan plan = plan_of(owned);
    const Outputs all = run_one_head(plan);
    for (const int64_t row : {int64_t{0}, int64_t{4}, int64_t{9}}) {
      const auto history = history_of_o(plan, row, 71);
      CHECK(history.code == all.o[static_cast<size_t>(row * 72 + 71)]);
      CHECK(history.steps.back().site == Site::output_store);
      CHECK(code_of(bf16, history.steps.back().value) == history.code);
      // A causal row sees all keys up to its diagonal, which ends at the last one.
      CHECK(steps_at(history, Site::scores) == static_cast<size_t>(127 + row));
      const auto lse = history_of(plan, {.row = row, .feature = 0, .output = TracedOutput::lse});
      CHECK(lse.code == all.lse[static_cast<size_t>(row)]);
    }
  }

  TEST_CASE("rows are counted over batches and heads") {
    const auto owned = random_problem(2, four_heads);
    const Plan plan = plan_of(owned);
    TileOutput tile;
    NullSink sink;
    const HeadOperands head = decode_head(plan, 1, 0);
    ForwardPass<NullSink>(plan, head, sink)
        .run({.batch = 1, .head = 1, .first = 0, .count = 3}, tile);
    CHECK(history_of_o(plan, (1 * 2 + 1) * 3 + 2, 5).code == output_code(plan, tile.o[2 * 64 + 5]));
  }

  TEST_CASE("the LSE is no part of the history of O, unless parts are joined by it") {
    const auto whole = random_problem(3, three_tiles);
    CHECK(steps_at(history_of_o(plan_of(whole), 0, 0), Site::lse) == 0);
    const auto split = random_problem(4, ten_parts);
    const Plan plan = plan_of(split);
    REQUIRE(plan.parts == 10);
    CHECK(steps_at(history_of_o(plan, 0, 0), Site::lse) == 10);
    const auto lse =
        history_of(plan_of(whole), {.row = 0, .feature = 0, .output = TracedOutput::lse});
    CHECK(steps_at(lse, Site::lse) == 1);
    CHECK(steps_at(lse, Site::normalise) == 0);
    CHECK(steps_at(lse, Site::probability_cast) == 0);
  }

  TEST_CASE("a history does not part from itself, and from a changed site it parts there") {
    const auto owned = random_problem(5, three_tiles);
    const auto as_is = history_of_o(plan_of(owned), 3, 7);
    CHECK_FALSE(first_parting(as_is.steps, as_is.steps).has_value());
    for (const Site site : {Site::scaled_score, Site::probability_cast, Site::row_sum,
                            Site::output_accumulate, Site::normalise}) {
      const Plan changed = plan_of(owned, {{site, {bf16, toward_zero}}});
      const auto other = history_of_o(changed, 3, 7);
      const auto parting = first_parting(as_is.steps, other.steps);
      REQUIRE(parting.has_value());
      CHECK(parting->a.site == site);
      CHECK(parting->a.column == parting->b.column);
      CHECK(parting->a.value != parting->b.value);
    }
  }

  TEST_CASE("steps that the other history has in another number have no counterpart") {
    const Record exact{0, Flag::none, false};
    const std::vector<HistoryStep> a{
        {Site::rescale, 3, 1, exact}, {Site::rescale, 3, 2, exact}, {Site::normalise, 3, 9, exact}};
    const std::vector<HistoryStep> b{{Site::rescale, 3, 5, exact}, {Site::normalise, 3, 8, exact}};
    const auto parting = first_parting(a, b);
    REQUIRE(parting.has_value());
    CHECK(parting->a.site == Site::normalise);
    CHECK(parting->b.value == 8);
  }

  TEST_CASE("sites are counted in the order of the table, each history by itself") {
    const auto owned = random_problem(6, three_tiles);
    const std::vector<ElementHistory> histories{
        history_of_o(plan_of(owned), 3, 7),
        history_of_o(plan_of(owned, {{Site::probability_cast, {bf16, toward_zero}}}), 3, 7)};
    const auto sites = by_site(histories);
    CHECK(sites.front().site == Site::scores);
    CHECK(sites.back().site == Site::output_store);
    for (const auto& site : sites) {
      REQUIRE(site.of.size() == 2);
      CHECK(site.of[0].steps == site.of[1].steps);
      if (site.site < Site::probability_cast) CHECK(site.different == 0);
      if (site.site == Site::probability_cast) CHECK(site.different > 0);
    }
  }
}
