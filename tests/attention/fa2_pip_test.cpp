// The row fa2-pip: the tiled pass and a twin written from the formulas of the fast-math build end
// in the same bits, and differ from PyTorch's build where they should.
#include "ulpscope/attention/recipes/fa2_pip.hpp"

#include "ulpscope/base/error.hpp"

#include "attention/naive_fa2_pip.hpp"
#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Plan pip_plan(const OwnedProblem& owned) {
  return make_plan(fa2_pip, chip_named("h200"), owned.problem, {});
}

// Rows on which the twin differs: LSE, or O before it is rounded to 16 bits.
int64_t different_rows(const OwnedProblem& owned) {
  const SiteOverride in_full{Site::output_store, {fp32, nearest_even}};
  const Plan plan = make_plan(fa2_pip, chip_named("h200"), owned.problem, {&in_full, 1});
  const Outputs outputs = run_one_head(plan);
  const NaiveFa2Pip twin(owned.problem);
  const auto dim = static_cast<size_t>(plan.problem.dim);
  int64_t count = 0;
  for (size_t i = 0; i < outputs.lse.size(); ++i) {
    const auto row = twin.row(static_cast<int64_t>(i), plan.parts);
    const bool same =
        row.lse == outputs.lse[i] &&
        std::equal(row.o.begin(), row.o.end(), outputs.o.begin() + static_cast<int64_t>(i * dim));
    count += same ? 0 : 1;
  }
  return count;
}

uint64_t different_codes(const OwnedProblem& owned) {
  const Outputs torch = run_one_head(plan_of(owned));
  const Outputs pip = run_one_head(pip_plan(owned));
  uint64_t count = 0;
  for (size_t i = 0; i < torch.o.size(); ++i) count += torch.o[i] != pip.o[i] ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("the pip build computes what its formulas say") {
  CHECK(different_rows(random_problem(1, {.rows = 70, .keys = 300, .dim = 32})) == 0);
  CHECK(different_rows(
            random_problem(2, {.rows = 150, .keys = 130, .dim = 40, .mask = causal_mask})) == 0);
  CHECK(different_rows(random_problem(3, {.rows = 5, .keys = 200, .dim = 72}, fp16)) == 0);
  CHECK(different_rows(random_problem(4, {.rows = 70, .keys = 150, .dim = 200})) == 0);
}

TEST_CASE("windows and rows that see no key") {
  const Mask window{.left = 40, .right = 3};
  CHECK(different_rows(random_problem(5, {.rows = 140, .keys = 300, .dim = 16, .mask = window})) ==
        0);
  CHECK(different_rows(
            random_problem(6, {.rows = 140, .keys = 30, .dim = 16, .mask = causal_mask})) == 0);
}

TEST_CASE("split keys are joined by fast functions") {
  for (const int64_t dim : {32, 64, 72, 128}) {
    const auto owned = random_problem(7, {.rows = 3, .keys = 1100, .dim = dim, .launch_heads = 2});
    CHECK(pip_plan(owned).parts > 1);
    CHECK(different_rows(owned) == 0);
  }
  const auto causal = random_problem(
      8, {.rows = 70, .keys = 600, .dim = 32, .mask = causal_mask, .launch_heads = 2});
  CHECK(pip_plan(causal).parts > 1);
  CHECK(different_rows(causal) == 0);
}

TEST_CASE("numbers below 2^-126 are flushed on the way") {
  auto tiny = random_problem(9, {.rows = 6, .keys = 300, .dim = 32});
  Random random(9);
  tiny.v = random_codes(random, bf16, 300 * 32, 0x1p-124);
  tiny.problem.v = tiny.v;
  CHECK(different_rows(tiny) == 0);
  CHECK(different_codes(tiny) > 0);
  tiny.problem.launch.parts = 2;
  CHECK(different_rows(tiny) == 0);
}

TEST_CASE("P below 2^-126 is lost, though V would lift it") {
  auto owned = random_problem(10, {.rows = 1, .keys = 2, .dim = 1});
  owned.q = {code16(bf16, 1)};
  owned.k = {code16(bf16, 0), code16(bf16, -90)};  // e^-90 is 2^-129.8
  owned.v = {code16(bf16, 0), code16(bf16, 0x1p100)};
  owned.problem.q = owned.q;
  owned.problem.k = owned.k;
  owned.problem.v = owned.v;
  CHECK(different_rows(owned) == 0);
  CHECK(run_one_head(pip_plan(owned)).o[0] == 0);
  CHECK(run_one_head(plan_of(owned)).o[0] != 0);
}

TEST_CASE("the largest score of a row need not have P = 1, as it has in PyTorch's build") {
  // One key: O is V times P times 1 / P.
  const auto owned = random_problem(11, {.rows = 200, .keys = 1, .dim = 32}, fp16, 4.0);
  const Outputs pip = run_one_head(pip_plan(owned));
  const Outputs torch = run_one_head(plan_of(owned));
  CHECK(pip.lse != torch.lse);
  CHECK(different_rows(owned) == 0);
}

TEST_CASE("both builds split alike and refuse alike") {
  for (const int64_t keys : {256, 512, 1500}) {
    const auto owned = random_problem(
        12, {.rows = 1, .keys = keys, .dim = 64, .heads = 4, .kv_heads = 2, .launch_heads = 4});
    const Plan pip = pip_plan(owned);
    const Plan torch = plan_of(owned);
    CHECK(pip.parts == torch.parts);
    CHECK(pip.tile_keys == torch.tile_keys);
    CHECK(pip.problem.rows == 2);  // the heads of a group
  }
  const auto wide = random_problem(13, {.rows = 1, .keys = 2, .dim = 264});
  CHECK_THROWS_WITH_AS(pip_plan(wide), doctest::Contains("at most 256"), Error);
}

TEST_CASE("logging changes no bit of the pip build") {
  const auto owned = random_problem(
      14, {.rows = 70, .keys = 600, .dim = 32, .mask = causal_mask, .launch_heads = 2});
  const Plan plan = pip_plan(owned);
  TileLog log(plan.tile_rows, plan.problem.keys, plan.problem.dim);
  CHECK(run_one_head(plan, log) == run_one_head(plan));
}
