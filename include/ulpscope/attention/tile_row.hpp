// Tile sizes by head size: a kernel has a list of rows, ascending; the first that fits is taken.
#pragma once

#include <cstdint>
#include <span>

namespace ulpscope {

struct TileRow {
  int64_t largest_dim;
  int64_t rows;  // queries of a tile
  int64_t keys;
};

// The first row whose head size is not below `dim`; an Error of kind usage if there is none.
const TileRow& tile_row(std::span<const TileRow> tiles, int64_t dim);

}  // namespace ulpscope
