// The walk of a row tile: which key tiles it visits, in which order.
//
// Only tiles that the mask leaves something of for the whole row tile are visited; the order is
// the recipe's. With split keys a part visits its share.
//
//   causal, 3 row tiles of 128, key tiles of 128; the last row tile:
//     descending            2 1 0
//     partial_before_full   2 0 1      (its diagonal block is partial, those before it are full)
//   7 tiles in 3 parts: contiguous 012 345 6, round robin 036 14 25
//
// Tested by tests/attention/walk_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

struct Visit {
  int64_t tile;
  bool guarded = false;     // a row that has seen only -infinity subtracts 0 here
  bool contracted = false;  // the exponent is one fma here
  bool last = false;        // of the walk
};

// The visits of the row tile that starts at `first_row`, by part `part` of the plan's parts.
std::vector<Visit> key_walk(const Plan& plan, int64_t first_row, int64_t part);

}  // namespace ulpscope
