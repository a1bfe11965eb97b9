#include "ulpscope/attention/schedule.hpp"

#include "ulpscope/attention/recipes/backward.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/base/error.hpp"

#include <map>
#include <string>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr std::array all_orders{BlockOrder::rows_descending, BlockOrder::rows_ascending,
                                BlockOrder::rows_ascending_keys_down,
                                BlockOrder::partial_before_full};

// A schedule depends on sizes alone: no operands, tiles and buffers as the test likes them.
struct Sizes {
  int64_t rows;
  int64_t keys;
  Mask mask = no_mask;
  Alignment alignment = Alignment::top_left;
  int64_t tile_rows = 128;
  int64_t tile_keys = 128;
  int64_t buffers = 1;
};

std::vector<KeyVisit> schedule_of(const Sizes& sizes, BlockOrder order) {
  Recipe recipe = fa2_torch;
  recipe.alignment = sizes.alignment;
  Plan plan{};
  plan.recipe = &recipe;
  BackwardRules rules = fa2_backward;
  rules.order = order;
  BackwardPlan backward{};
  backward.plan = &plan;
  backward.rules = &rules;
  backward.problem.rows = sizes.rows;
  backward.problem.keys = sizes.keys;
  backward.problem.mask = sizes.mask;
  backward.tile_rows = sizes.tile_rows;
  backward.tile_keys = sizes.tile_keys;
  backward.dq_buffers = sizes.buffers;
  return backward_schedule(backward);
}

using Tiles = std::vector<int64_t>;

// The key tiles of a row tile, and the row tiles of a key tile, as their sums meet them.
Tiles keys_of_row(const std::vector<KeyVisit>& schedule, int64_t row_tile) {
  Tiles keys;
  for (const KeyVisit& visit : schedule) {
    for (const RowVisit& row : visit.rows) {
      if (row.row_tile == row_tile) keys.push_back(visit.key_tile);
    }
  }
  return keys;
}
Tiles rows_of_key(const std::vector<KeyVisit>& schedule, int64_t key_tile) {
  Tiles rows;
  for (const KeyVisit& visit : schedule) {
    if (visit.key_tile != key_tile) continue;
    for (const RowVisit& row : visit.rows) rows.push_back(row.row_tile);
  }
  return rows;
}
Tiles key_order(const std::vector<KeyVisit>& schedule) {
  Tiles keys;
  for (const KeyVisit& visit : schedule) keys.push_back(visit.key_tile);
  return keys;
}

// The mask, pair by pair.
bool is_visible(const Sizes& s, int64_t row, int64_t key) {
  const int64_t diagonal =
      row + (s.alignment == Alignment::bottom_right ? s.keys - s.rows : int64_t{0});
  const bool left = s.mask.left == Mask::unbounded || key >= diagonal - s.mask.left;
  const bool right = s.mask.right == Mask::unbounded || key <= diagonal + s.mask.right;
  return left && right;
}

// Visible pairs of every pair of tiles that has some.
std::map<std::pair<int64_t, int64_t>, int64_t> visible_pairs(const Sizes& s) {
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (int64_t i = 0; i < s.rows; ++i) {
    for (int64_t j = 0; j < s.keys; ++j) {
      if (is_visible(s, i, j)) ++counts[{i / s.tile_rows, j / s.tile_keys}];
    }
  }
  return counts;
}

Mask random_mask(Random& random) {
  const auto side = [&] { return random.below(4) == 0 ? Mask::unbounded : random.below(120); };
  switch (random.below(3)) {
    case 0: return no_mask;
    case 1: return causal_mask;
    default: return {.left = side(), .right = side()};
  }
}

}  // namespace

TEST_CASE("three key tiles in two buffers: 0, then 2, which ends the first, then 1") {
  const auto schedule =
      schedule_of({.rows = 256, .keys = 384, .buffers = 2}, BlockOrder::rows_descending);
  CHECK(key_order(schedule) == Tiles{0, 2, 1});
  for (int64_t key = 0; key < 3; ++key) CHECK(rows_of_key(schedule, key) == Tiles{1, 0});
  CHECK_FALSE(schedule[0].ends_buffer);
  CHECK(schedule[1].ends_buffer);
  CHECK(schedule[2].ends_buffer);
}

TEST_CASE("buffer z takes the key tiles z, z + n, z + 2n in that order") {
  for (const int64_t buffers : {1, 2, 3, 5, 7, 8, 132}) {
    CAPTURE(buffers);
    const auto schedule =
        schedule_of({.rows = 64, .keys = 7 * 64, .tile_keys = 64, .buffers = buffers},
                    BlockOrder::rows_descending);
    Tiles expected;
    std::vector<bool> ends;
    for (int64_t z = 0; z < buffers; ++z) {
      for (int64_t key = z; key < 7; key += buffers) {
        expected.push_back(key);
        ends.push_back(key + buffers >= 7);
      }
    }
    CHECK(key_order(schedule) == expected);
    for (size_t i = 0; i < schedule.size(); ++i) CHECK(schedule[i].ends_buffer == ends[i]);
  }
}

TEST_CASE("every pair of tiles with a visible pair is visited once, by every order") {
  Random random(1);
  for (int turn = 0; turn < 200; ++turn) {
    const Sizes sizes{.rows = 1 + random.below(150),
                      .keys = 1 + random.below(150),
                      .mask = random_mask(random),
                      .alignment = turn % 2 == 0 ? Alignment::top_left : Alignment::bottom_right,
                      .tile_rows = 16 * (1 + random.below(2)),
                      .tile_keys = 16 * (1 + random.below(2)),
                      .buffers = 1 + random.below(4)};
    CAPTURE(sizes.rows);
    CAPTURE(sizes.keys);
    CAPTURE(sizes.mask.left);
    CAPTURE(sizes.mask.right);
    const auto expected = visible_pairs(sizes);
    for (const BlockOrder order : all_orders) {
      std::map<std::pair<int64_t, int64_t>, int64_t> visits;
      bool kinds_agree = true;
      for (const KeyVisit& visit : schedule_of(sizes, order)) {
        for (const RowVisit& row : visit.rows) {
          const std::pair pair{row.row_tile, visit.key_tile};
          ++visits[pair];
          const auto seen = expected.find(pair);
          const int64_t count = seen == expected.end() ? 0 : seen->second;
          const bool full = count == sizes.tile_rows * sizes.tile_keys;
          kinds_agree = kinds_agree && (row.kind == BlockKind::full) == full;
        }
      }
      CHECK(kinds_agree);
      CHECK(visits.size() == expected.size());
      bool once = true;
      for (const auto& [pair, count] : visits) once = once && count == 1 && expected.contains(pair);
      CHECK(once);
    }
  }
}

TEST_CASE("row tiles descend or ascend as the order says") {
  const Sizes causal{.rows = 512, .keys = 512, .mask = causal_mask};
  CHECK(rows_of_key(schedule_of(causal, BlockOrder::rows_descending), 1) == Tiles{3, 2, 1});
  CHECK(rows_of_key(schedule_of(causal, BlockOrder::rows_ascending), 1) == Tiles{1, 2, 3});
  CHECK(rows_of_key(schedule_of(causal, BlockOrder::rows_ascending_keys_down), 1) ==
        Tiles{1, 2, 3});
  CHECK(keys_of_row(schedule_of(causal, BlockOrder::rows_descending), 2) == Tiles{0, 1, 2});
  CHECK(keys_of_row(schedule_of(causal, BlockOrder::rows_ascending), 2) == Tiles{0, 1, 2});
}

TEST_CASE("with keys down, key tiles descend under a mask and ascend without one") {
  const auto keys = [](const Mask& mask) {
    return keys_of_row(
        schedule_of({.rows = 512, .keys = 512, .mask = mask}, BlockOrder::rows_ascending_keys_down),
        3);
  };
  CHECK(keys(no_mask) == Tiles{0, 1, 2, 3});
  CHECK(keys(causal_mask) == Tiles{3, 2, 1, 0});
  CHECK(keys({.left = 200, .right = 0}) == Tiles{3, 2, 1});
}

TEST_CASE("causal 512: the diagonal block first, then the full ones") {
  const auto schedule =
      schedule_of({.rows = 512, .keys = 512, .mask = causal_mask}, BlockOrder::partial_before_full);
  CHECK(keys_of_row(schedule, 0) == Tiles{0});
  CHECK(keys_of_row(schedule, 2) == Tiles{2, 0, 1});
  CHECK(keys_of_row(schedule, 3) == Tiles{3, 0, 1, 2});
  CHECK(rows_of_key(schedule, 0) == Tiles{0, 1, 2, 3});
  CHECK(rows_of_key(schedule, 1) == Tiles{1, 2, 3});
}

TEST_CASE("causal 300: a block cut by the end is never full, so key block 0 is swept 0, 2, 1") {
  const auto schedule =
      schedule_of({.rows = 300, .keys = 300, .mask = causal_mask}, BlockOrder::partial_before_full);
  CHECK(keys_of_row(schedule, 1) == Tiles{1, 0});
  CHECK(keys_of_row(schedule, 2) == Tiles{0, 1, 2});
  CHECK(rows_of_key(schedule, 0) == Tiles{0, 2, 1});
  CHECK(rows_of_key(schedule, 1) == Tiles{1, 2});
}

TEST_CASE("without a mask there is one list, whatever the ends cut") {
  const auto schedule = schedule_of({.rows = 300, .keys = 300}, BlockOrder::partial_before_full);
  CHECK(key_order(schedule) == Tiles{0, 1, 2});
  for (int64_t t = 0; t < 3; ++t) CHECK(rows_of_key(schedule, t) == Tiles{0, 1, 2});
  CHECK(schedule[0].rows[0].kind == BlockKind::full);
  CHECK(schedule[0].rows[2].kind == BlockKind::partial);
  CHECK(schedule[2].rows[0].kind == BlockKind::partial);
}

TEST_CASE("the library takes as many dQ buffers as fill the multiprocessors") {
  struct Case {
    int64_t batch, heads, buffers;
  };
  for (const auto& [batch, heads, buffers] :
       {Case{1, 1, 132}, Case{2, 1, 66}, Case{1, 8, 17}, Case{4, 32, 2}, Case{1, 132, 1},
        Case{1, 133, 1}, Case{11, 12, 1}}) {
    auto owned = random_problem(2, {.rows = 3, .keys = 5, .dim = 16});
    owned.problem.launch = {.batch = batch, .heads = heads};
    const Plan plan = plan_of(owned);
    CHECK(make_backward_plan(plan, owned.problem).dq_buffers == buffers);
    Recipe cudnn = fa2_torch;
    cudnn.backward = &cudnn_backward;
    const Plan other = make_plan(cudnn, chip_named("h200"), owned.problem, {});
    CHECK(make_backward_plan(other, owned.problem).dq_buffers == 1);
  }
}

TEST_CASE("tiles and the layout of delta go by the head size") {
  struct Case {
    int64_t dim, rows, keys;
    int lanes;
  };
  for (const Case& c : {Case{32, 128, 128, 4}, Case{40, 128, 128, 8}, Case{72, 64, 128, 4},
                        Case{128, 64, 128, 8}, Case{129, 64, 64, 8}, Case{256, 64, 64, 8}}) {
    CAPTURE(c.dim);
    const auto owned = random_problem(3, {.rows = 1, .keys = 2, .dim = c.dim});
    const Plan forward = plan_of(owned);
    const BackwardPlan plan = make_backward_plan(forward, owned.problem);
    CHECK(plan.tile_rows == c.rows);
    CHECK(plan.tile_keys == c.keys);
    CHECK(plan.delta.lanes == c.lanes);
  }
}

TEST_CASE("a kernel without a backward pass, and a head size it does not take, are usage errors") {
  const auto kind_of = [](const Recipe& recipe, int64_t dim) {
    const auto owned = random_problem(4, {.rows = 1, .keys = 2, .dim = dim});
    const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
    try {
      make_backward_plan(plan, owned.problem);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  Recipe forward_only = fa2_torch;
  forward_only.backward = nullptr;
  CHECK(kind_of(forward_only, 64).find("no backward pass") != std::string::npos);
  BackwardRules narrow = fa2_backward;
  narrow.delta.layouts = narrow.delta.layouts.first(2);
  Recipe narrow_delta = fa2_torch;
  narrow_delta.backward = &narrow;
  CHECK(kind_of(narrow_delta, 72).find("at most 64") != std::string::npos);
  CHECK(kind_of(narrow_delta, 64).empty());
}
