// What memory a run of attention takes, from its sizes, before it starts.
//
//   memory_need({.group = 4, .rows = 8192, .keys = 8192, .dim = 128}) -> MemoryNeed
//
// Bytes an element and a row, measured as peaks of whole runs of fa2-torch with 1 and 2 threads
// (1,024 to 16,384 rows and keys, head sizes 64 and 128, rows and keys apart), and a seventh more.
// Other kernels keep the same tensors. tests/cli/memory_test.cpp holds that a run stays below.
#pragma once

#include "ulpscope/run/memory_limit.hpp"

namespace ulpscope {

enum class Passes { forward, forward_and_backward };

// A unit: the query heads that share a K/V head.
struct UnitSizes {
  int64_t group = 1;  // these query heads
  int64_t rows = 0;
  int64_t keys = 0;
  int64_t dim = 0;
  Passes passes = Passes::forward;
};

MemoryNeed memory_need(const UnitSizes& sizes);

}  // namespace ulpscope
