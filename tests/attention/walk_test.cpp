#include "ulpscope/attention/walk.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::vector<int64_t> tiles(const std::vector<Visit>& walk) {
  std::vector<int64_t> result;
  for (const Visit& visit : walk) result.push_back(visit.tile);
  return result;
}

std::vector<int64_t> walk_of(const Recipe& recipe, const Shape& shape, int64_t first_row) {
  const auto owned = random_problem(1, shape);
  return tiles(key_walk(make_plan(recipe, chip_named("h200"), owned.problem, {}), first_row, 0));
}

using Tiles = std::vector<int64_t>;

constexpr Shape causal{.rows = 384, .keys = 384, .dim = 64, .mask = causal_mask};

}  // namespace

TEST_CASE("a row tile visits what it sees, in the order of its kernel") {
  CHECK(walk_of(fa2_torch, causal, 256) == Tiles{2, 1, 0});
  CHECK(walk_of(memeff_torch, causal, 128) == Tiles{0, 1, 2});  // 64 rows, 64 keys
  CHECK(walk_of(cudnn_9_19, causal, 128) == Tiles{0, 1});
  CHECK(walk_of(flex_triton, causal, 256) == Tiles{2, 0, 1});
}

TEST_CASE("blocks that the end of a sequence cuts are partial under a mask, and full without") {
  CHECK(walk_of(flex_triton, {.rows = 300, .keys = 300, .dim = 64, .mask = causal_mask}, 256) ==
        Tiles{0, 1, 2});
  CHECK(walk_of(flex_triton, {.rows = 300, .keys = 300, .dim = 64}, 256) == Tiles{0, 1, 2});
  // Head size 72 has tiles of 64 keys.
  CHECK(walk_of(flex_triton, {.rows = 256, .keys = 256, .dim = 72, .mask = causal_mask}, 128) ==
        Tiles{2, 3, 0, 1});
}

TEST_CASE("a window leaves out tiles at both ends") {
  const Shape shape{.rows = 512, .keys = 512, .dim = 64, .mask = {.left = 100, .right = 0}};
  CHECK(walk_of(fa2_torch, shape, 384) == Tiles{3, 2});
  CHECK(walk_of(flex_triton, shape, 384) == Tiles{2, 3});
  CHECK(walk_of(fa2_torch, shape, 0) == Tiles{0});
}

TEST_CASE("the exponent is contracted where no mask is evaluated and both lengths divide") {
  const auto contracted = [](const Shape& shape, int64_t first_row) {
    const auto owned = random_problem(1, shape);
    const Plan plan = make_plan(flex_triton, chip_named("h200"), owned.problem, {});
    std::vector<bool> result;
    for (const Visit& visit : key_walk(plan, first_row, 0)) result.push_back(visit.contracted);
    return result;
  };
  CHECK(contracted(causal, 256) == std::vector<bool>{false, true, true});
  CHECK(contracted({.rows = 128, .keys = 256, .dim = 64}, 0) == std::vector<bool>{true, true});
  CHECK(contracted({.rows = 100, .keys = 256, .dim = 64}, 0) == std::vector<bool>{false, false});
  CHECK(contracted({.rows = 128, .keys = 200, .dim = 64}, 0) == std::vector<bool>{false, false});
}

TEST_CASE("parts share the tiles in runs or in turn, and the last visit of a walk is marked") {
  auto owned = random_problem(1, {.rows = 1, .keys = 700, .dim = 64, .launch_heads = 1});
  owned.problem.launch.parts = 2;
  const Plan in_turn = make_plan(cudnn_9_19, chip_named("h200"), owned.problem, {});
  CHECK(tiles(key_walk(in_turn, 0, 0)) == Tiles{0, 2, 4});
  CHECK(tiles(key_walk(in_turn, 0, 1)) == Tiles{1, 3, 5});
  CHECK(key_walk(in_turn, 0, 1).back().last);
  CHECK_FALSE(key_walk(in_turn, 0, 1).front().last);
  const Plan in_runs = make_plan(fa2_torch, chip_named("h200"), owned.problem, {});
  CHECK(tiles(key_walk(in_runs, 0, 0)) == Tiles{1, 0});  // 3 tiles of 256 keys
  CHECK(tiles(key_walk(in_runs, 0, 1)) == Tiles{2});
}
