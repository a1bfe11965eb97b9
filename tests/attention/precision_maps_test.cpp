// The precision maps of papers and their plain twins end in the same bits.
#include "ulpscope/attention/recipes/precision_maps.hpp"

#include "attention/gradient_problems.hpp"
#include "attention/naive_precision_maps.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Rounds = NaiveMap::Rounds;

Plan plan_for(const Recipe& recipe, const OwnedProblem& owned, int64_t tile_keys = 0) {
  Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
  if (tile_keys > 0) plan.tile_keys = tile_keys;
  return plan;
}

std::vector<NaiveMap::Row> rows_of(const NaiveMap& twin, const Problem& p) {
  std::vector<NaiveMap::Row> rows;
  for (int64_t i = 0; i < p.rows; ++i) rows.push_back(twin.row(i));
  return rows;
}

Outputs outputs_of(const std::vector<NaiveMap::Row>& rows) {
  Outputs all;
  for (const auto& row : rows) {
    all.o.insert(all.o.end(), row.o.begin(), row.o.end());
    all.lse.push_back(row.lse.bits());
  }
  return all;
}

// `tile_keys` 0: the whole row.
void holds(const Recipe& recipe, Rounds rounds, const OwnedProblem& owned, int64_t tile_keys) {
  const Problem& p = owned.problem;
  const NaiveMap twin(p, rounds, tile_keys == 0 ? p.keys : tile_keys);
  CHECK(run_one_head(plan_for(recipe, owned, tile_keys)) == outputs_of(rows_of(twin, p)));
}

std::vector<uint32_t> bits_of(const NaiveMap::Registers& registers) {
  std::vector<uint32_t> bits;
  for (const auto x : registers) bits.push_back(x.bits());
  return bits;
}

void gradients_hold(const Recipe& recipe, Rounds rounds, const OwnedProblem& owned) {
  const Problem& p = owned.problem;
  Random random(7);
  const auto dout = random_codes(random, bf16, p.rows * p.dim);
  const NaiveMap twin(p, rounds, p.keys);
  const auto rows = rows_of(twin, p);
  std::vector<uint32_t> o, lse;
  for (const auto& row : rows) {
    for (const auto x : row.stored) o.push_back(x.bits());
    lse.push_back(row.lse.bits());
  }
  const Plan plan = plan_for(recipe, owned);
  const Gradients pass = run_backward(
      make_backward_plan(plan, p), {.dout = dout, .o = o, .lse = lse}, {.logging = Logging::off});
  const auto expected = twin.gradients(dout, rows);
  CHECK(pass.dq == bits_of(expected.dq));
  CHECK(pass.dk == bits_of(expected.dk));
  CHECK(pass.dv == bits_of(expected.dv));
}

}  // namespace

TEST_CASE("paper-pv rounds the unnormalised P.V once, in one tile or many") {
  const auto owned = random_problem(1, {.rows = 12, .keys = 150, .dim = 24});
  CHECK(plan_for(paper_pv, owned).tile_keys == 160);
  holds(paper_pv, Rounds::product, owned, 0);
  holds(paper_pv, Rounds::product, owned, 32);
  holds(paper_pv, Rounds::product,
        random_problem(2, {.rows = 40, .keys = 40, .dim = 8, .mask = causal_mask}), 0);
}

TEST_CASE("paper-o rounds O once") {
  holds(paper_o, Rounds::output, random_problem(3, {.rows = 12, .keys = 150, .dim = 24}), 0);
  holds(paper_o, Rounds::output,
        random_problem(4, {.rows = 70, .keys = 70, .dim = 8, .mask = causal_mask}), 32);
}

TEST_CASE("all-bf16 stores every intermediate in bf16, tile after tile") {
  const auto owned = random_problem(5, {.rows = 12, .keys = 200, .dim = 24});
  holds(all_bf16, Rounds::everything, owned, 64);
  holds(all_bf16, Rounds::everything, owned, 32);
  holds(all_bf16, Rounds::everything,
        random_problem(6, {.rows = 40, .keys = 40, .dim = 8, .mask = causal_mask}), 32);
}

TEST_CASE("all-bf16 in one tile is attention that was never cut") {
  const auto owned = random_problem(7, {.rows = 12, .keys = 192, .dim = 16});
  holds(all_bf16, Rounds::everything, owned, 192);
  CHECK(run_one_head(plan_for(all_bf16, owned, 192)).o !=
        run_one_head(plan_for(all_bf16, owned, 64)).o);
}

TEST_CASE("delta and the gradients of paper-pv and paper-o are binary32 with exact products") {
  const auto owned = random_problem(8, {.rows = 20, .keys = 33, .dim = 16});
  gradients_hold(paper_pv, Rounds::product, owned);
  gradients_hold(paper_o, Rounds::output, owned);
  gradients_hold(paper_pv, Rounds::product,
                 random_problem(9, {.rows = 30, .keys = 30, .dim = 8, .mask = causal_mask}));
}

TEST_CASE("a row that sees nothing is 0") {
  const auto owned = random_problem(10, {.rows = 8, .keys = 4, .dim = 8, .mask = causal_mask});
  for (const Recipe* recipe : {&paper_pv, &paper_o, &all_bf16}) {
    CAPTURE(recipe->name);
    CHECK(run_one_head(plan_for(*recipe, owned)).o[0] == 0);
  }
}
