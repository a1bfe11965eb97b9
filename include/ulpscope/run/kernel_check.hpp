// Our own GPU kernels against the emulator: random problems, every number that a kernel shows.
//
//   for (const auto& check : check_forward_kernels({.forward = gpu::forward})) ...
//     forward bf16, head size to 64   200 problems   31,000,000 values   0 differences
//
// The kernel follows the recipe fa2-torch, without or with the published stable maximum; the
// emulator runs the same plan on the CPU. Compared by bits are S, P, the maxima, lane sums and the
// running O of every tile, O and LSE. Problem i of a kernel is drawn from the seed, the kernel and
// i alone: shapes (ragged and whole), mask, scale, law (analysis/law.hpp) and operands.
//
// The kernel is an argument, so that the check itself is tested without a card.
// Tested by tests/run/kernel_check_test.cpp and, with the kernels, on an H200: docs/validation.
#pragma once

#include "ulpscope/gpu.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ulpscope {

// What is compared, in the order of the computation.
inline constexpr std::array<std::string_view, 7> shown_tensors{
    "scores", "probabilities", "maxima", "lane_sums", "running_output", "lse", "output"};

struct ValuesCompared {
  uint64_t values = 0;
  uint64_t differences = 0;
};

struct KernelCheck {
  std::string kernel;
  int64_t problems = 0;
  std::array<ValuesCompared, shown_tensors.size()> tensors = {};
  std::string first = {};  // the first difference: where, the card's bits, the emulator's

  ValuesCompared all() const;
};

using ForwardKernel = std::function<gpu::ExposedForward(const gpu::ForwardCall&)>;

struct KernelCheckOptions {
  ForwardKernel forward;
  int64_t problems = 200;  // of each kernel
  uint64_t seed = 1;
  int threads = 0;                                    // 0: all
  std::function<void(const KernelCheck&)> each = {};  // as soon as it is known
  const std::atomic<bool>* stop = nullptr;            // asked between problems
};

std::vector<KernelCheck> check_forward_kernels(const KernelCheckOptions& options);

}  // namespace ulpscope
