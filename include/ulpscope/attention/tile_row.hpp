// Tile sizes, by head size above all: a kernel has a list of rows, ascending; the first that fits
// is taken.
#pragma once

#include "ulpscope/attention/problem.hpp"

#include <cstdint>
#include <limits>
#include <span>

namespace ulpscope {

struct TileRow {
  int64_t largest_dim;
  int64_t rows;  // queries of a tile
  int64_t keys;  // 0: one tile has all keys
  // Where short problems have tiles of their own: keys, and batch x heads of the launch.
  int64_t largest_keys = any_number;
  int64_t most_heads = any_number;

  static constexpr int64_t any_number = std::numeric_limits<int64_t>::max();
};

// The first row that takes the problem's head size, keys and heads; an Error of kind usage if the
// head is too large for all.
const TileRow& tile_row(std::span<const TileRow> tiles, const Problem& problem);

}  // namespace ulpscope
