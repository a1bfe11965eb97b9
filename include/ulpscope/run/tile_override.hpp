// --tile: other tiles than the kernel's own. Tested by tests/run/attention_run_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"

namespace ulpscope {

struct TileOverride {
  int64_t rows;
  int64_t keys;
};

// Error of kind usage for sizes that the pass or the kernel's mask blocks do not take.
void apply_tile(const TileOverride& tile, Plan& plan);

}  // namespace ulpscope
