// A recipe and a problem, resolved: which tiles, how many parts, which chip, which constants.
//
// Everything that a kernel's host code decides before the launch is decided here, once.
//
//   fa2-torch, batch 1, 2 heads, 512 x 512, D = 64, h200 -> 2 parts of 1 tile of 256 keys
//
// Tested by tests/attention/plan_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <algorithm>
#include <span>

namespace ulpscope {

struct Plan {
  const Recipe* recipe;
  const Chip* chip;
  const MatrixUnit* unit;
  FusedSum sum;  // of the unit, with as many terms as the kernel's instruction has
  const MufuTables* tables;
  PrecisionMap map;
  Problem problem;  // after folding a group of heads into rows
  int64_t tile_rows;
  int64_t tile_keys;
  int64_t parts;        // 1: the normal kernel
  uint32_t scale_log2;  // c of the recipe's scaling
  bool contracts;       // the exponent, in tiles where no mask is evaluated
  Accumulator accumulator;
  LogSumExp log_sum_exp;
  MaximumSteps maximum;
  uint64_t seed = 1;  // of stochastic roundings

  // What becomes of l and O in the row tile that starts at `first_row`.
  TileEnds tile_ends(int64_t first_row) const {
    const auto& ends = recipe->tile_ends;
    if (ends.empty()) return {};
    return ends[std::min(static_cast<size_t>(first_row / tile_rows), ends.size() - 1)];
  }

  ULPSCOPE_HD constexpr SeenKeys seen(int64_t row) const {
    return seen_keys(problem, recipe->alignment, row);
  }

  int64_t key_tiles() const { return (problem.keys + tile_keys - 1) / tile_keys; }
  int64_t row_tiles() const { return (problem.rows + tile_rows - 1) / tile_rows; }
  // Key tiles of one part; the last part may have fewer or none.
  int64_t tiles_per_part() const { return (key_tiles() + parts - 1) / parts; }
  // The tiles at the beginning of a row tile's walk in which a row that has seen only -infinity
  // subtracts 0 instead of its maximum. With a causal mask those that the kernel masks: as many as
  // the diagonal of a row tile can cross, and one more where tiles do not divide the problem.
  int64_t guarded_tiles() const {
    if (recipe->empty_rows == EmptyRows::guarded) return key_tiles();
    if (problem.mask == no_mask) return 0;
    if (problem.mask != causal_mask) return key_tiles();
    const bool even = problem.rows % tile_rows == 0 && problem.keys % tile_keys == 0;
    return (tile_rows + tile_keys - 1) / tile_keys + (even ? 0 : 1);
  }
};

// The row that takes a problem: the recipe itself or its kernel for one query row.
const Recipe& row_for(const Recipe& recipe, const Problem& problem);

// Checks the problem and resolves it. Errors of kind usage: a format or head size that the kernel
// does not take, a chip whose tensor cores do not multiply the format.
Plan make_plan(const Recipe& recipe, const Chip& chip, const Problem& problem,
               std::span<const SiteOverride> overrides);

// How many parts the library cuts the keys into, given the whole launch.
int64_t split_parts(const Recipe& recipe, const Problem& problem);

}  // namespace ulpscope
