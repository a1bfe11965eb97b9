// One problem through several kernels, on several chips: whose bits differ, and in which direction.
//
//   plan_engines({{&fa2_torch, &h200}, {&cudnn_9_19, &h200}}, problem, dout)   who takes it
//   run_engines(...).tensors[0].pairs[0]    O: 12,345 different bits, mean -0.0004 ulp
//
// Every engine is judged against the reference, which is computed once, and every two against each
// other, by the same clustered statistics (trace/bias.hpp); of a pair, the second stands in the
// reference's place. A kernel that does not take the problem is kept with its reason.
//
// A mask's diagonal lies where each kernel puts it (Alignment): where rows and keys differ in
// number, kernels with a causal mask or a window solve two different problems, and the references
// differ likewise. Memory: the outputs of all engines. Tested by tests/compare/engines_test.cpp.
#pragma once

#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/compare/output.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

// A kernel on a chip.
struct EngineChoice {
  const Recipe* recipe;
  const Chip* chip;

  friend bool operator==(const EngineChoice&, const EngineChoice&) = default;
};

// "fa2-torch@h200"; "exact", which no chip computes.
std::string engine_name(const EngineChoice& choice);

// A choice and the problem, resolved, or why that cannot be.
struct PlannedEngine {
  EngineChoice choice;
  std::unique_ptr<Plan> plan;              // null: refused
  std::unique_ptr<BackwardPlan> backward;  // null: none was asked for, or the kernel has none
  std::string refusal;
  std::string backward_refusal;
};

struct EngineProblem {
  Problem problem;  // its launch counts the multiprocessors; 0: those of each engine's chip
  std::span<const uint16_t> dout;  // empty: forward pass only
  // Of kernels that have a layout of delta by this name (delta_layout_name); empty: everyone's own.
  std::string delta_layout = {};
};

// An Error of kind usage where a layout of delta is asked for that no kernel has.
std::vector<PlannedEngine> plan_engines(std::span<const EngineChoice> choices,
                                        const EngineProblem& problem);

// What one engine made of one tensor.
struct EngineOutput {
  size_t engine;  // in the list of engines
  Format format;
  std::vector<uint32_t> codes;
  ErrorStatistics errors;  // against the reference
};

// Two outputs of a tensor, the first less the second.
struct EnginePair {
  size_t a;  // in the tensor's outputs
  size_t b;
  uint64_t different_bits;
  ErrorStatistics difference;  // in ulps of the first one's format
};

struct EngineTensorResult {
  Output tensor;
  std::vector<EngineOutput> outputs;  // of the engines that have it, in their order
  std::vector<EnginePair> pairs;      // every two, a < b

  // The outputs by equal bits, each group and the list of groups in the order of the outputs.
  std::vector<std::vector<size_t>> groups() const;
};

struct EngineResults {
  std::vector<EngineTensorResult> tensors;  // that some engine has
  std::vector<bool> unordered_dq;           // by engine: has_unordered_dq
  ReferenceReport reference;
  std::optional<GradientReport> gradient_reference = {};
  bool complete = true;
};

// Steps that run_engines reports as done: row tiles, and heads of the backward pass.
int64_t engine_steps(const std::vector<PlannedEngine>& engines);

EngineResults run_engines(const std::vector<PlannedEngine>& engines, const EngineProblem& problem,
                          const JudgedOptions& options);

}  // namespace ulpscope
