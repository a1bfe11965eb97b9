#include "ulpscope/run/kernel_options.hpp"

#include "ulpscope/run/kernel_name.hpp"

namespace ulpscope {

Plan plan_of(const KernelOptions& options, const Problem& problem) {
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  Plan plan = make_plan(recipe, chip, problem, options.overrides);
  if (options.tile) apply_tile(*options.tile, plan);
  apply(options.maximum, plan);
  plan.seed = options.seed;
  return plan;
}

BackwardPlan backward_plan_of(const KernelOptions& options, const Plan& plan,
                              const Problem& problem) {
  BackwardPlan backward = make_backward_plan(plan, problem);
  if (!options.delta_layout.empty()) take_delta_layout(backward, options.delta_layout);
  return backward;
}

}  // namespace ulpscope
