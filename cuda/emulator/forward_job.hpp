// A forward pass of the heads that share a K/V head, as it lies in device memory.
//
// Rows are those of all heads, one after the other. A turn is one key tile of every row tile's
// walk; forward_kernels.hpp has what is done in it.
#pragma once

#include "ulpscope/attention/row_pass.hpp"

#include "emulator/operands.cuh"

namespace ulpscope::cuda {

struct ForwardJob {
  const Plan* plan;  // its recipe and tables in device memory too; without operands
  int64_t heads;
  int64_t rows;         // of a head
  int64_t row_tiles;    // of a head
  uint64_t first_head;  // its number in the launch, for drawn roundings

  DeviceOperand q;
  DeviceOperand k;
  DeviceOperand v;
  DeviceOperand p;       // of every row, one tile long
  const int* v_special;  // whether V holds an infinity or NaN

  const HeadTerms* terms;  // by head
  const TileEnds* ends;    // by row tile
  const Visit* visits;     // by row tile, `turns` each; tile -1 where the walk is over
  int turns;

  RowState* states;     // by row
  uint32_t* factors;    // r of the turn
  int32_t* last_tiles;  // that the row tile visited
  int64_t score_stride;
  uint32_t* scores;  // S, then P
  uint32_t* scaled;  // what the maximum is taken over, where not S
  uint32_t* o;
  uint32_t* update;  // a tile's product, where O is not kept in registers

  PartsInPlace parts;  // with split keys
  uint32_t* lse;
  uint32_t* base2;
};

}  // namespace ulpscope::cuda
