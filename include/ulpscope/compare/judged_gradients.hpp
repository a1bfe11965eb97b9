// A backward run, its gradients judged against the reference.
//
// dQ, dK and dV are judged in ulps of the format that they are stored in. delta is a binary32
// number made of rounded O, so its error is given in ulps of O's format: what the rounding of O
// alone can do. The reference is `wide` (binary64 with a derived bound), its delta that of the
// exact O.
//
// P, dP and dS are judged too, pair by pair as they pass, and not kept: P and dS as the products
// take them, in ulps of the formats that they are cast to; dP as it leaves the tensor core. Unlike
// the errors of their sites these are of the whole way from Q, K, V and dO. Without logging they
// are left out, and without judging all that asks for a reference.
//
// Memory: that of the reference and 16 bytes an element of the gradients.
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

// Rows are queries, columns keys.
struct JudgedPairs {
  ErrorStatistics p;
  ErrorStatistics dp;
  ErrorStatistics ds;
};

struct JudgedGradients {
  JudgedTensor dq;     // (batch, heads, rows, dim)
  JudgedTensor dk;     // (batch, kv_heads, keys, dim)
  JudgedTensor dv;     // (batch, kv_heads, keys, dim)
  JudgedTensor delta;  // (batch, heads, rows)
  JudgedPairs pairs;   // empty without logging or judging
  GradientReport reference;
  SiteStatistics sites;
  bool unordered_dq = false;  // the kernel's own order is not fixed: compare/reachable.hpp
  bool complete = true;
};

// `run` is the forward run of the same plan, whose O and LSE the backward pass reads.
JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const JudgedOptions& options);

// With a reference that was computed before, for this plan or one that shares it.
JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const GradientReference& reference,
                                     const JudgedOptions& options);

}  // namespace ulpscope
