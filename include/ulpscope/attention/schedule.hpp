// In which order the backward pass visits its tiles.
//
// Three sums run over tiles: dK and dV of a key tile over row tiles, dQ of a row tile over key
// tiles. One order of pairs (row tile, key tile) serves all of them, because a sum only sees the
// order of its own tiles. Pairs in which the mask hides everything are left out.
//
//   rows_descending, 3 key tiles, 2 row tiles, 2 buffers for dQ:
//     key 0: rows 1, 0    key 2: rows 1, 0, end of buffer    key 1: rows 1, 0, end of buffer
//
// Tested by tests/attention/schedule_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

// A row tile whose dQ is wanted, and a key tile whose dK and dV are.
struct WantedTiles {
  int64_t row_tile;
  int64_t key_tile;
};

// What a backward kernel's host code decides before the launch.
struct BackwardPlan {
  const Plan* plan;  // sites, chip, constants; its problem has the heads folded
  const BackwardRules* rules;
  Problem problem;  // as given, with the mask that the forward pass has
  int64_t tile_rows;
  int64_t tile_keys;
  int64_t dq_buffers;
  DeltaLayout delta;
  // Where a sample is enough: other pairs of tiles are left out. What is wanted has the bits of
  // the whole pass, the rest of the gradients has none.
  std::optional<WantedTiles> wanted = {};
  std::optional<int64_t> only_key_tile = {};  // all others are left out: one part of dQ

  int64_t key_tiles() const { return (problem.keys + tile_keys - 1) / tile_keys; }
  int64_t row_tiles() const { return (problem.rows + tile_rows - 1) / tile_rows; }
  SeenKeys seen(int64_t row) const { return seen_keys(problem, plan->recipe->alignment, row); }
};

// Errors of kind usage: the kernel has no backward pass here, or not for this head size.
BackwardPlan make_backward_plan(const Plan& plan, const Problem& given);

// The layouts of delta that the kernel may take for a head size: its own first, then those that the
// library picks by timing.
std::vector<DeltaLayout> possible_delta_layouts(const BackwardRules& rules, int64_t dim);

// "16x4": lanes and columns.
std::string delta_layout_name(const DeltaLayout& layout);

// The possible layout of this name in place of the kernel's own. An Error of kind usage that lists
// them where there is none.
void take_delta_layout(BackwardPlan& plan, std::string_view name);

enum class BlockKind {
  partial,  // some pair is hidden or beyond the end
  full,
};

struct RowVisit {
  int64_t row_tile;
  BlockKind kind;
};

struct KeyVisit {
  int64_t key_tile;
  std::vector<RowVisit> rows;
  bool ends_buffer;  // the dQ buffer is complete after this key tile
};

std::vector<KeyVisit> backward_schedule(const BackwardPlan& plan);

}  // namespace ulpscope
