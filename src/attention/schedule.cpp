#include "ulpscope/attention/schedule.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

const DeltaLayout& delta_layout(const BackwardRules& rules, int64_t dim) {
  for (const auto& layout : rules.delta.layouts) {
    if (dim <= layout.largest_dim) return layout;
  }
  throw Error(
      ErrorKind::usage,
      fmt::format("head size {}: the kernel's backward pass takes at most {}", dim,
                  rules.delta.layouts.empty() ? 0 : rules.delta.layouts.back().largest_dim));
}

}  // namespace

std::vector<DeltaLayout> possible_delta_layouts(const BackwardRules& rules, int64_t dim) {
  std::vector<DeltaLayout> layouts{delta_layout(rules, dim)};
  for (const auto& tuned : rules.delta.tuned) {
    if (tuned.largest_dim == layouts.front().largest_dim) layouts.push_back(tuned);
  }
  return layouts;
}

std::string delta_layout_name(const DeltaLayout& layout) {
  return fmt::format("{}x{}", layout.lanes, layout.columns);
}

void take_delta_layout(BackwardPlan& plan, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& layout : possible_delta_layouts(*plan.rules, plan.problem.dim)) {
    names.push_back(delta_layout_name(layout));
    if (names.back() != name) continue;
    plan.delta = layout;
    return;
  }
  throw Error(ErrorKind::usage,
              fmt::format("delta layout '{}': kernel {} has {} at head size {}", name,
                          plan.plan->recipe->name, fmt::join(names, ", "), plan.problem.dim));
}

namespace {

enum class Seen { nothing, something, everything };

// What the mask leaves of a pair of tiles; a tile cut by the end of the problem is never whole.
Seen seen_of(const BackwardPlan& plan, int64_t row_tile, int64_t key_tile) {
  const int64_t first_row = row_tile * plan.tile_rows;
  const int64_t end_row = std::min(first_row + plan.tile_rows, plan.problem.rows);
  const int64_t first_key = key_tile * plan.tile_keys;
  const int64_t end_key = first_key + plan.tile_keys;
  bool something = false;
  bool everything = end_row == first_row + plan.tile_rows && end_key <= plan.problem.keys;
  for (int64_t row = first_row; row < end_row; ++row) {
    const SeenKeys seen = plan.seen(row);
    something = something || (std::max(seen.first, first_key) < std::min(seen.end, end_key));
    everything = everything && seen.first <= first_key && seen.end >= end_key;
  }
  return everything ? Seen::everything : something ? Seen::something : Seen::nothing;
}

bool is_wanted(const BackwardPlan& plan, int64_t row_tile, int64_t key_tile) {
  if (plan.only_key_tile && *plan.only_key_tile != key_tile) return false;
  return !plan.wanted || plan.wanted->row_tile == row_tile || plan.wanted->key_tile == key_tile;
}

// The key tiles, those of one dQ buffer together.
std::vector<KeyVisit> key_visits(const BackwardPlan& plan) {
  std::vector<KeyVisit> visits;
  const int64_t tiles = plan.key_tiles();
  for (int64_t buffer = 0; buffer < std::min(plan.dq_buffers, tiles); ++buffer) {
    for (int64_t t = buffer; t < tiles; t += plan.dq_buffers) {
      visits.push_back({.key_tile = t, .rows = {}, .ends_buffer = t + plan.dq_buffers >= tiles});
    }
  }
  const bool masked = !(plan.problem.mask == no_mask);
  if (plan.rules->order == BlockOrder::rows_ascending_keys_down && masked) {
    std::reverse(visits.begin(), visits.end());
  }
  return visits;
}

// In a fixed order the library takes so many buffers that all blocks together fill the
// multiprocessors once.
int64_t buffers_of(const Plan& plan, const BackwardRules& rules, const Launch& launch) {
  const bool in_any_order = launch.gradient_order == GradientOrder::any;
  if (in_any_order && rules.any_order == AnyOrder::unknown) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {}: its gradients without a fixed order are not known here; "
                            "expected no --unordered",
                            plan.recipe->name));
  }
  if (rules.query_gradient != QueryGradient::atomic_buffers) return 1;
  if (in_any_order && rules.any_order == AnyOrder::one_buffer) return 1;
  return ceil_div(launch.multiprocessors, launch.batch * launch.heads);
}

}  // namespace

BackwardPlan make_backward_plan(const Plan& plan, const Problem& given) {
  const BackwardRules* const rules = plan.recipe->backward;
  if (rules == nullptr) {
    throw Error(ErrorKind::usage, fmt::format("kernel {} has no backward pass; expected another "
                                              "kernel, or --no-backward",
                                              plan.recipe->name));
  }
  const TileRow& tile = tile_row(rules->tiles, given);
  Problem problem = given;
  problem.mask = plan.problem.mask;  // as the host code has tidied it
  return {.plan = &plan,
          .rules = rules,
          .problem = problem,
          .tile_rows = tile.rows,
          .tile_keys = tile.keys,
          .dq_buffers = buffers_of(plan, *rules, given.launch),
          .delta = delta_layout(*rules, given.dim),
          .wanted = {},
          .only_key_tile = {}};
}

std::vector<KeyVisit> backward_schedule(const BackwardPlan& plan) {
  const int64_t row_tiles = plan.row_tiles();
  std::vector<KeyVisit> all = key_visits(plan);
  for (KeyVisit& visit : all) {
    for (int64_t r = 0; r < row_tiles; ++r) {
      if (!is_wanted(plan, r, visit.key_tile)) continue;
      const Seen seen = seen_of(plan, r, visit.key_tile);
      if (seen == Seen::nothing) continue;
      visit.rows.push_back({r, seen == Seen::everything ? BlockKind::full : BlockKind::partial});
    }
  }
  switch (plan.rules->order) {
    case BlockOrder::rows_ascending:
    case BlockOrder::rows_ascending_keys_down: return all;
    case BlockOrder::rows_descending:
      for (KeyVisit& visit : all) std::reverse(visit.rows.begin(), visit.rows.end());
      return all;
    case BlockOrder::partial_before_full: break;
  }
  // Without a mask the kernel has one list, whatever the ends cut.
  if (plan.problem.mask == no_mask) return all;
  std::vector<KeyVisit> lists;
  for (const BlockKind kind : {BlockKind::partial, BlockKind::full}) {
    for (const KeyVisit& visit : all) {
      lists.push_back({.key_tile = visit.key_tile, .rows = {}, .ends_buffer = visit.ends_buffer});
      for (const RowVisit& row : visit.rows) {
        if (row.kind == kind) lists.back().rows.push_back(row);
      }
    }
  }
  return lists;
}

}  // namespace ulpscope
