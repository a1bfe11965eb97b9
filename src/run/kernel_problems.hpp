// The random problems that our GPU kernels are held against the emulator on: kernel_check.hpp.
//
// Problem i of a kernel depends on the seed, the kernel and i alone: shapes, mask, scale, the size
// of the whole launch, law and operands.
#pragma once

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/attention/plan.hpp"
#include "ulpscope/gpu.hpp"

#include <span>
#include <string>

namespace ulpscope {

// A kernel: what is compiled for itself.
struct KernelRow {
  std::string_view pass;  // "forward"
  Format format;
  int64_t smallest_dim;
  int64_t largest_dim;
  std::string_view stable = {};  // of MaximumOverride; empty for none
};

std::span<const KernelRow> forward_kernels();
std::span<const KernelRow> backward_kernels();

std::string name_of(const KernelRow& kernel);

struct DrawnProblem {
  LawTensors tensors;
  Problem problem;  // looks into the tensors
};

void draw_problem(const KernelRow& kernel, uint64_t seed, int64_t index, DrawnProblem& drawn);

// The emulator's plan, and the card's call. An Error of kind usage where their tiles differ.
Plan plan_of(const KernelRow& kernel, const Problem& problem);
gpu::ForwardCall call_of(const Plan& plan);

}  // namespace ulpscope
