// The part of a forward pass that one row needs: its tile, up to the row.
#pragma once

#include "ulpscope/attention/forward.hpp"

namespace ulpscope {

// `row` counts over all batches and heads; the row is the last of these.
inline TileRows rows_up_to(const Plan& plan, int64_t row) {
  const Problem& p = plan.problem;
  const int64_t head = row / p.rows;
  const int64_t in_head = row % p.rows;
  const int64_t first = in_head / plan.tile_rows * plan.tile_rows;
  return {head / p.heads, head % p.heads, first, in_head - first + 1};
}

inline int64_t kv_head_of(const Problem& p, const TileRows& rows) {
  return rows.head / (p.heads / p.kv_heads);
}

}  // namespace ulpscope
