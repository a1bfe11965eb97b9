#include "ulpscope/run/tile_override.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

void apply_tile(const TileOverride& tile, Plan& plan) {
  const auto [rows, keys] = tile;
  constexpr int64_t largest = 4096;
  if (rows < 1 || rows > largest || keys < 32 || keys > largest || keys % 32 != 0) {
    throw Error(ErrorKind::usage,
                fmt::format("--tile {},{}: expected 1 to {} rows and a multiple of "
                            "32 keys up to {}",
                            rows, keys, largest, largest));
  }
  const int64_t block = plan.recipe->mask_block;
  if (block != 0 && (block % rows != 0 || block % keys != 0)) {
    throw Error(ErrorKind::usage,
                fmt::format("--tile {},{}: expected divisors of {}, the mask block of kernel {}",
                            rows, keys, block, plan.recipe->name));
  }
  plan.tile_rows = rows;
  plan.tile_keys = keys;
  plan.parts = std::min(plan.parts, plan.key_tiles());
}

}  // namespace ulpscope
