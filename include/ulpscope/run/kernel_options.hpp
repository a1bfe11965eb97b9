// A kernel on a problem, and what is asked of it that it does not do by itself: other casts, tiles,
// maxima, another layout of delta. What every run of one kernel starts from.
//
//   struct AttributeOptions : KernelOptions { ... };
//   const Plan plan = plan_of(options, problem);
//   BackwardPlan backward = backward_plan_of(options, plan, problem);   // points at the plan
//
// Tested by tests/run/attention_run_test.cpp and tests/run/explain_run_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/run/problem_inputs.hpp"
#include "ulpscope/run/tile_override.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

struct KernelOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  std::optional<TileOverride> tile;
  std::string delta_layout;  // a layout that the kernel may take; empty: its own
  std::vector<SiteOverride> overrides;
  MaximumOverride maximum;
  uint64_t seed = 1;  // of stochastic roundings
};

Plan plan_of(const KernelOptions& options, const Problem& problem);
BackwardPlan backward_plan_of(const KernelOptions& options, const Plan& plan,
                              const Problem& problem);

}  // namespace ulpscope
