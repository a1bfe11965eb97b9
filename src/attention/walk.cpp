#include "ulpscope/attention/walk.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

// Tiles [first, end) that some row of the tile sees, or all: its first row sees the first key of
// all, its last row the last one.
struct TileRange {
  int64_t first;
  int64_t end;
};

TileRange visited_tiles(const Plan& plan, int64_t first_row) {
  switch (plan.recipe->hidden_keys) {
    case HiddenKeys::left_out: break;
    case HiddenKeys::lowest_number: return {0, plan.key_tiles()};
  }
  const int64_t first_key = plan.seen(first_row).first;
  const int64_t end_key = plan.seen(first_row + plan.tile_rows - 1).end;
  return {first_key / plan.tile_keys, (end_key + plan.tile_keys - 1) / plan.tile_keys};
}

enum class Hidden { nothing, something, everything };

// What the mask hides of the mask block with these first row and key. A block that the end of a
// sequence cuts hides something.
Hidden hidden_in_block(const Plan& plan, int64_t first_row, int64_t first_key) {
  const int64_t block = plan.recipe->mask_block;
  const int64_t end_row = std::min(first_row + block, plan.problem.rows);
  const int64_t end_key = first_key + block;
  bool everything = true;
  bool nothing = end_row == first_row + block && end_key <= plan.problem.keys;
  for (int64_t row = first_row; row < end_row; ++row) {
    const SeenKeys seen = plan.seen(row);
    everything = everything && std::max(seen.first, first_key) >= std::min(seen.end, end_key);
    nothing = nothing && seen.first <= first_key && seen.end >= end_key;
  }
  return everything ? Hidden::everything : nothing ? Hidden::nothing : Hidden::something;
}

// All tiles of the listed blocks of one kind, ascending.
void add_blocks(const Plan& plan, int64_t first_row, Hidden kind, std::vector<Visit>& walk) {
  const int64_t block = plan.recipe->mask_block;
  const int64_t block_row = first_row / block * block;
  for (int64_t key = 0; key < plan.problem.keys; key += block) {
    if (hidden_in_block(plan, block_row, key) != kind) continue;
    const int64_t end = std::min(key + block, plan.problem.keys);
    for (int64_t k = key; k < end; k += plan.tile_keys) {
      walk.push_back(
          {.tile = k / plan.tile_keys, .contracted = plan.contracts && kind == Hidden::nothing});
    }
  }
}

std::vector<Visit> whole_walk(const Plan& plan, int64_t first_row) {
  std::vector<Visit> walk;
  const bool lists_blocks = plan.recipe->mask_block > 0 && plan.problem.mask != no_mask;
  if (lists_blocks) {
    add_blocks(plan, first_row, Hidden::something, walk);
    add_blocks(plan, first_row, Hidden::nothing, walk);
    return walk;
  }
  const TileRange seen = visited_tiles(plan, first_row);
  for (int64_t t = seen.first; t < seen.end; ++t) {
    walk.push_back({.tile = t, .contracted = plan.contracts});
  }
  if (plan.recipe->key_order == KeyOrder::descending) std::reverse(walk.begin(), walk.end());
  return walk;
}

bool takes(const Plan& plan, int64_t part, int64_t tile) {
  switch (plan.recipe->split.dealing) {
    case Dealing::contiguous: return tile / plan.tiles_per_part() == part;
    case Dealing::round_robin: return tile % plan.parts == part;
  }
  return true;
}

}  // namespace

std::vector<Visit> key_walk(const Plan& plan, int64_t first_row, int64_t part) {
  std::vector<Visit> walk = whole_walk(plan, first_row);
  if (plan.parts > 1) {
    std::erase_if(walk, [&](const Visit& visit) { return !takes(plan, part, visit.tile); });
  }
  for (size_t turn = 0; turn < walk.size(); ++turn) {
    walk[turn].guarded = static_cast<int64_t>(turn) < plan.guarded_tiles();
    walk[turn].last = turn + 1 == walk.size();
  }
  return walk;
}

}  // namespace ulpscope
