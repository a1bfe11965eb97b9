// Our own GPU kernels against the emulator: random problems, every number that a kernel shows.
//
//   for (const auto& check : check_kernels({.forward = gpu::forward, .backward = gpu::backward}))
//   ...
//     forward bf16, head size to 64   200 problems   31,000,000 values   0 differences
//
// The kernels follow the recipe fa2-torch, the forward ones without or with the published stable
// maximum; the emulator runs the same plan on the CPU. Compared by bits are S, P, the maxima, lane
// sums and the running O of every tile, O and LSE; and delta, P, dP and dS of every pair that is
// seen, dQ, dK and dV, from the O and LSE that the forward kernel leaves. Problem i of a kernel is
// drawn from the seed, the kernel and i alone: shapes (ragged and whole), mask, scale, law
// (analysis/law.hpp) and operands.
//
// The kernels are arguments, so that the check itself is tested without a card.
// Tested by tests/run/kernel_check_test.cpp and, with the kernels, on an H200: docs/validation.
#pragma once

#include "ulpscope/gpu.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

struct ComparedTensor {
  std::string_view name;
  uint64_t values = 0;
  uint64_t differences = 0;
};

struct KernelCheck {
  std::string kernel;
  int64_t problems = 0;
  std::vector<ComparedTensor> tensors = {};  // in the order of the computation
  std::string first = {};  // the first difference: where, the card's bits, the emulator's

  ComparedTensor all() const;  // the sum of them
};

struct KernelCheckOptions {
  std::function<gpu::ExposedForward(const gpu::ForwardCall&)> forward;
  std::function<gpu::ExposedBackward(const gpu::BackwardCall&)> backward;
  int64_t problems = 200;  // of each kernel
  uint64_t seed = 1;
  int threads = 0;                                    // 0: all
  std::function<void(const KernelCheck&)> each = {};  // as soon as it is known
  const std::atomic<bool>* stop = nullptr;            // asked between problems
};

std::vector<KernelCheck> check_kernels(const KernelCheckOptions& options);

}  // namespace ulpscope
