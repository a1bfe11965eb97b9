// A kernel with one thing changed: the neighbours among which `identify` looks for an output that
// no kernel as it is explains.
//
//   forward_changes(plan of fa2-torch)   output_store=bf16:rz, key_order=ascending, tile_keys=32
//   ... ChangedKernel(fa2_torch, h200, problem, change, {}).forward()   a plan like any other
//
// A change is data: a name, and what it does to the row, to the problem or to what the host code
// has decided. Which changes there are is the two lists of kernel_change.cpp; to try one more, add
// a line there. The likeliest kinds come first: stores and casts, then the choices of the row with
// sums, tiles and parts, then the modes of all other sites. Sites in another format are tried where
// the kernel that was meant is known (identify.hpp).
//
// Limits: one change at a time. Steps that the tensor cores round (the products) have no mode to
// change; their sums have terms and bits instead. Tested by tests/captured/identify_test.cpp.
#pragma once

#include "ulpscope/attention/schedule.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

// What a change may touch before the problem is resolved.
struct KernelRow {
  Recipe recipe;
  BackwardRules backward;  // meaningful where recipe.backward is not null
  Problem problem;
};

// `tuned`: what the library itself picks by timing.
enum class ChangeKind : uint8_t { tuned, cast, choice, other_site, other_format };

struct KernelChange {
  std::string name = {};  // "output_store=bf16:rz"; empty: the kernel as it is
  // In the order in which they apply; each may be empty.
  std::function<void(KernelRow&)> row = {};
  std::function<void(Plan&)> plan = {};
  std::function<void(BackwardPlan&)> backward = {};
  ChangeKind kind = ChangeKind::choice;

  // The kernel's own row, or what its library makes of it.
  bool is_own() const { return name.empty() || kind == ChangeKind::tuned; }
};

// Changes that reach O or the LSE. `plan` is that of the kernel as it is.
std::vector<KernelChange> forward_changes(const Plan& plan);

// Changes that reach the gradients alone: O and the LSE stay as they are.
std::vector<KernelChange> backward_changes(const BackwardPlan& plan);

// What the library itself may pick otherwise, by timing: other layouts of delta.
std::vector<KernelChange> tuned_choices(const BackwardPlan& plan);

// The recipe, changed and resolved for a problem. Owns what the plans point to.
class ChangedKernel {
 public:
  // `stores` are casts that come before the change. Errors of make_plan: the kernel does not take
  // the problem.
  ChangedKernel(const Recipe& recipe, const Chip& chip, const Problem& problem,
                const KernelChange& change, std::span<const SiteOverride> stores);
  ChangedKernel(const ChangedKernel&) = delete;
  ChangedKernel& operator=(const ChangedKernel&) = delete;

  const Plan& forward() const { return plan_; }
  // Errors of make_backward_plan.
  BackwardPlan backward() const;

 private:
  KernelRow row_;
  std::function<void(BackwardPlan&)> change_;
  Plan plan_;
};

}  // namespace ulpscope
