// The rows of the kernels beside FlashAttention-2: whatever the mask, the tiled pass and a twin
// written from the kernel's formulas end in the same bits.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/base/error.hpp"

#include "attention/naive_kernels.hpp"
#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Rows of a problem on which the twin differs, O or LSE.
template <class RowOf>
int64_t different_rows(const Recipe& recipe, const OwnedProblem& owned, RowOf&& row_of_twin) {
  const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
  const Outputs outputs = run_one_head(plan);
  const auto dim = static_cast<size_t>(plan.problem.dim);
  int64_t count = 0;
  for (size_t i = 0; i < outputs.lse.size(); ++i) {
    const NaiveOutput twin = row_of_twin(plan, static_cast<int64_t>(i));
    bool same = twin.lse == outputs.lse[i];
    for (size_t d = 0; d < dim; ++d) same = same && twin.o[d] == outputs.o[i * dim + d];
    count += same ? 0 : 1;
  }
  return count;
}

int64_t memeff_differences(const OwnedProblem& owned) {
  const NaiveMemeff twin(owned.problem);
  return different_rows(memeff_torch, owned, [&](const Plan&, int64_t i) { return twin.row(i); });
}
int64_t cudnn_differences(const OwnedProblem& owned) {
  const NaiveCudnn twin(owned.problem);
  return different_rows(cudnn_9_19, owned,
                        [&](const Plan& plan, int64_t i) { return twin.row(i, plan.parts); });
}
int64_t flex_differences(const OwnedProblem& owned) {
  const NaiveFlex twin(owned.problem);
  return different_rows(flex_triton, owned, [&](const Plan&, int64_t i) { return twin.row(i); });
}

}  // namespace

TEST_CASE("memory-efficient attention computes what its formulas say") {
  CHECK(memeff_differences(random_problem(1, {.rows = 70, .keys = 150, .dim = 32})) == 0);
  CHECK(memeff_differences(
            random_problem(2, {.rows = 90, .keys = 80, .dim = 40, .mask = causal_mask})) == 0);
  CHECK(memeff_differences(random_problem(3, {.rows = 5, .keys = 300, .dim = 72}, fp16)) == 0);
}

TEST_CASE("heads above 128 keep O in memory: one tile, two, and four") {
  for (const int64_t keys : {100, 200, 450}) {
    CHECK(memeff_differences(random_problem(4, {.rows = 3, .keys = keys, .dim = 136})) == 0);
  }
  CHECK(memeff_differences(
            random_problem(5, {.rows = 300, .keys = 300, .dim = 136, .mask = causal_mask})) == 0);
}

TEST_CASE("cuDNN computes what its formulas say") {
  CHECK(cudnn_differences(random_problem(6, {.rows = 6, .keys = 300, .dim = 72})) == 0);
  CHECK(cudnn_differences(
            random_problem(7, {.rows = 200, .keys = 170, .dim = 32, .mask = causal_mask})) == 0);
  // So small that O and its products are subnormal.
  auto tiny = random_problem(8, {.rows = 6, .keys = 300, .dim = 32});
  Random random(8);
  tiny.v = random_codes(random, bf16, 300 * 32, 0x1p-125);
  tiny.problem.v = tiny.v;
  CHECK(cudnn_differences(tiny) == 0);
}

TEST_CASE("one query row of cuDNN has small tiles where the keys are few") {
  for (const int64_t keys : {1, 64, 100, 128, 129, 256, 257}) {
    for (const int64_t launch_heads : {2, 133}) {
      CHECK(cudnn_differences(random_problem(
                9, {.rows = 1, .keys = keys, .dim = 72, .launch_heads = launch_heads})) == 0);
    }
  }
}

TEST_CASE("one query row of cuDNN goes to parts, whose number may be given") {
  for (const int64_t parts : {0, 1, 3, 8}) {
    auto owned = random_problem(9, {.rows = 1, .keys = 1500, .dim = 32, .launch_heads = 2});
    owned.problem.launch.parts = parts;
    CHECK(cudnn_differences(owned) == 0);
  }
}

TEST_CASE("FlexAttention computes what its formulas say, with one rounding or two") {
  CHECK(flex_differences(random_problem(10, {.rows = 128, .keys = 256, .dim = 64})) == 0);
  CHECK(flex_differences(random_problem(11, {.rows = 20, .keys = 200, .dim = 72})) == 0);
  CHECK(flex_differences(random_problem(12, {.rows = 128, .keys = 128, .dim = 256}, fp16)) == 0);
}

TEST_CASE("FlexAttention visits partial blocks before full ones") {
  CHECK(flex_differences(
            random_problem(13, {.rows = 300, .keys = 300, .dim = 64, .mask = causal_mask})) == 0);
  CHECK(flex_differences(
            random_problem(14, {.rows = 384, .keys = 384, .dim = 32, .mask = causal_mask})) == 0);
}

TEST_CASE("FlexAttention takes windows, also where rows see no key") {
  constexpr Mask windows[] = {{.left = 100, .right = 0},
                              {.left = 150, .right = 30},
                              {.left = Mask::unbounded, .right = 5},
                              {.left = 3, .right = -1}};
  for (const Mask& mask : windows) {
    CHECK(flex_differences(
              random_problem(15, {.rows = 256, .keys = 256, .dim = 32, .mask = mask})) == 0);
  }
  const auto blind =
      random_problem(16, {.rows = 260, .keys = 130, .dim = 32, .mask = {.left = 10, .right = 0}});
  CHECK(flex_differences(blind) == 0);
}

TEST_CASE("the LSE in base 2 is handed on where the kernel makes its LSE of it") {
  const auto owned = random_problem(17, {.rows = 3, .keys = 40, .dim = 32});
  for (const Recipe* recipe : {&flex_triton, &cudnn_9_19, &memeff_torch}) {
    const Plan plan = make_plan(*recipe, chip_named("h200"), owned.problem, {});
    const HeadOperands head = decode_head(plan, 0, 0);
    NullSink sink;
    ForwardPass<NullSink> pass(plan, head, sink);
    TileOutput tile;
    pass.run({.batch = 0, .head = 0, .first = 0, .count = 3}, tile);
    CHECK(tile.base2.size() == (recipe == &flex_triton ? 3 : 0));
    for (size_t i = 0; i < tile.base2.size(); ++i) {
      CHECK(fmul(tile.base2[i], detail::ln_2) == tile.lse[i]);
    }
  }
}

TEST_CASE("logging changes no bit of any row") {
  const auto owned =
      random_problem(18, {.rows = 140, .keys = 140, .dim = 136, .mask = causal_mask});
  for (const Recipe* recipe : {&flex_triton, &cudnn_9_19, &memeff_torch}) {
    const Plan plan = make_plan(*recipe, chip_named("h200"), owned.problem, {});
    TileLog log(plan.tile_rows, plan.problem.keys, plan.problem.dim);
    CHECK(run_one_head(plan, log) == run_one_head(plan));
  }
}

TEST_CASE("windows are refused where they are not known") {
  const auto owned =
      random_problem(19, {.rows = 4, .keys = 9, .dim = 32, .mask = {.left = 3, .right = 0}});
  for (const Recipe* recipe : {&cudnn_9_19, &memeff_torch}) {
    CHECK_THROWS_WITH_AS(make_plan(*recipe, chip_named("h200"), owned.problem, {}),
                         doctest::Contains("takes no windows"), Error);
  }
}
