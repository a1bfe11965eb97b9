// Which earlier steps of a history a step read.
//
//   normalise of feature 3   O: output_accumulate of feature 3;   1/l: reciprocal
//
// A history is what went through the registers of one row: scores and P by key, the maximum, the
// factor of a rescaling, the row sum, O, a tile's own product, 1/l. A site reads some of these and
// writes one, and the value it reads is the last one written. Q, K and V are no steps; a chain of
// fused sums names the O that it began with.
//
// Limits: not told is what a sum of lanes reads, what joins the parts of split keys, how O is
// updated where it is kept in memory, and the backward pass.
// Tested by tests/compare/step_operands_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"
#include "ulpscope/trace/history.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

struct StepOperand {
  std::string_view name;
  size_t step;  // of the history
};

// Of every step.
std::vector<std::vector<StepOperand>> step_operands(const Plan& plan,
                                                    std::span<const HistoryStep> steps);

}  // namespace ulpscope
