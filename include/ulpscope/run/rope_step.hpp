// RoPE as a step between a file's Q and K and the pass: what the kernel takes, and what is judged,
// are the rotated operands.
//
//   OpenOperand q = open_operand(inputs, "q");
//   rotate(q, {.recipe = "cast"}, 0);        // row i is at position i
//   q.read()                                 // its rotated codes; its note says how
//
// | recipe  | what is rotated, a number of the file rounded to | then rounded to |
// | fp32    | binary32                                         | the working format, once |
// | cast    | bf16                                             | bf16 |
// | hf-bf16 | bf16                                             | bf16, every step on the way too |
//
// On a dump in bf16, fp32 and cast give the same codes: they differ where the file is wider. Rows
// of 8-bit codes are refused, as they are made of what was rotated already. The angles, halves and
// roundings are those of analysis/rope.hpp. Gradients are those of the rotated Q and K.
// Tested by tests/run/rope_step_test.cpp.
#pragma once

#include "ulpscope/run/inputs.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ulpscope {

struct RopeStep {
  std::string recipe = {};          // a row of rope_recipes
  double base = 10000;              // of the frequencies
  int64_t row = 0;                  // position of the first row of Q
  std::optional<int64_t> key = {};  // of the first key, where it is not the row's
};

// Adds the step to an operand whose first row is at this position. Errors of kind usage: an unknown
// recipe, one that rounds to another format than the pass takes, positions outside 0 to 2^20.
void rotate(OpenOperand& operand, const RopeStep& step, int64_t first);

}  // namespace ulpscope
