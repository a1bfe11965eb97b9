// Where a thread's row is: of which head, row tile and visit; and how many blocks a launch has.
#pragma once

#include "emulator/forward_job.hpp"
#include "support/bundle.hpp"

namespace ulpscope::cuda {

inline unsigned blocks(int64_t count, int64_t size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

inline void launched(const char* kernel) { checked(cudaGetLastError(), kernel); }

// A row, the tile that it is in, and the tile that it meets.
struct PlacedRow {
  int64_t at;    // of all rows
  int64_t row;   // of the head
  int64_t tile;  // of the head's row tiles
  int64_t head;
  int64_t in_tile;
};

__device__ inline PlacedRow placed(const ForwardJob& job, int64_t at) {
  const int64_t row = at % job.rows;
  const int64_t tile = row / job.plan->tile_rows;
  return {at, row, tile, at / job.rows, row - tile * job.plan->tile_rows};
}

__device__ inline Visit visit_of(const ForwardJob& job, const PlacedRow& row, int turn) {
  return job.visits[row.tile * job.turns + turn];
}
__device__ inline const KeptSums& kept_of(const ForwardJob& job, const PlacedRow& row, bool last) {
  const TileEnds& ends = job.ends[row.tile];
  return last ? ends.last : ends.inner;
}
}  // namespace ulpscope::cuda
