// A backward run, its gradients judged against the reference.
//
// dQ, dK and dV are judged in ulps of the format that they are stored in. delta is a binary32
// number made of rounded O, so its error is given in ulps of O's format: what the rounding of O
// alone can do. The reference is `wide` (binary64 with a derived bound), its delta that of the
// exact O.
//
// Tested by tests/compare/judged_gradients_test.cpp.
#pragma once

#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/judged_run.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

struct JudgedTensor {
  std::vector<uint32_t> codes;  // in the format of the store; delta: binary32 bits
  std::vector<float> ulp;       // signed errors
  ErrorTally errors;
};

struct JudgedGradients {
  JudgedTensor dq;     // (batch, heads, rows, dim)
  JudgedTensor dk;     // (batch, kv_heads, keys, dim)
  JudgedTensor dv;     // (batch, kv_heads, keys, dim)
  JudgedTensor delta;  // (batch, heads, rows)
  SiteStatistics sites;
  bool unordered_dq = false;  // the kernel's own order is not fixed: compare/reachable.hpp
  bool complete = true;
};

// `run` is the forward run of the same plan, whose O and LSE the backward pass reads.
JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const JudgedOptions& options);

}  // namespace ulpscope
