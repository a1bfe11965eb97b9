// What a row says of attention that is no fused kernel: operations one after the other, whose
// results go through memory, or what a compiler makes of them.
//
//   l after a tile, eager: kept in memory, so rounded to bf16; compiled: in a register or in
//   memory, by where the compiler ends a kernel
//
// Tested by tests/attention/maximum_test.cpp, plan_test.cpp, unfused_test.cpp and
// tests/captured/paper_test.cpp.
#pragma once

#include "ulpscope/attention/problem.hpp"

#include <cstdint>
#include <optional>

namespace ulpscope {

// What a pair is that the mask hides.
enum class HiddenKeys {
  left_out,       // score -infinity; tiles of which nothing is seen are not visited
  lowest_number,  // the lowest finite score of the input's format; every tile is visited
};

// A tile's maximum that at least two of its scores reach, within the tolerance, is moved off them:
// times the factor where it is above 0, to 0 where it is below. Both numbers are binary32.
struct StableMaximum {
  uint32_t factor;
  uint32_t tolerance;
};

// What is done to a tile's maximum, and to the row sum that follows from it: by the kernel itself,
// or because it was asked for (maximum_override.hpp). Numbers are binary32, in units of the scores
// that the maximum is of.
struct MaximumSteps {
  std::optional<StableMaximum> stable = {};
  uint32_t offset = 0;      // added to every tile's maximum
  uint32_t tile_least = 0;  // a smaller tile sum of P becomes this number
};

// Whether a number stays in a register or goes through memory, in the input's format.
enum class Kept { in_register, in_memory };

// What becomes of l and O after a tile.
struct KeptSums {
  Kept row_sum = Kept::in_register;
  Kept output = Kept::in_register;
};

// The same by place in the walk: compilers fuse differently there.
struct TileEnds {
  KeptSums inner;  // before another tile
  KeptSums last;   // before the division
};

// The only problem that a recipe is known for, where compiled code changes with the shape.
struct KnownProblem {
  int64_t rows;
  int64_t keys;
  int64_t dim;
  Mask mask;
};

}  // namespace ulpscope
