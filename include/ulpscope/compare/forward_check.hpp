// An engine of the forward pass (ForwardEngine) against the host's, on problems drawn at random:
// every tiled kernel, chip rows, formats, masks, split keys, terms, sites cast otherwise, drawn
// roundings, numbers of all sizes, infinities and NaN.
//
//   check_forward(gpu::run_forward, {.problems = 1000})
//     fa2-torch   elements 1,204,352   differences 0
//
// O, the LSE and the LSE in base 2 are compared as registers, bit for bit. The same seed draws the
// same problems.
//
// Limits: small problems, of up to some hundred rows and keys. Kernels that are known for one
// shape only or have exact sites are left out. Tested by tests/compare/forward_check_test.cpp.
#pragma once

#include "ulpscope/attention/driver.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace ulpscope {

struct ForwardCheckOptions {
  uint64_t problems = 100;
  uint64_t seed = 1;
  int threads = 1;  // of the host's pass
  const std::atomic<bool>* stop = nullptr;
};

// Of one kernel.
struct ForwardCheck {
  std::string kernel;
  uint64_t problems = 0;
  uint64_t elements = 0;
  uint64_t differences = 0;
  std::string first = {};  // the first problem that differs
};

std::vector<ForwardCheck> check_forward(const ForwardEngine& engine,
                                        const ForwardCheckOptions& options);

}  // namespace ulpscope
