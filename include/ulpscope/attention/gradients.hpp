// The backward pass over a whole problem: K/V heads, with the query heads that share them, on
// several threads.
//
//   run_backward(plan, {.dout = ..., .o = ..., .lse = ...}, {}) -> dQ, dK, dV, delta
//
// Heads are dealt out first, the elements of a tile inside a head; results are the same bytes for
// any number of threads. Memory beyond the inputs: the decoded head and its accumulators, O(N D) a
// thread, and one tile.
//
// Tested by tests/attention/gradients_test.cpp and tests/captured.
#pragma once

#include "ulpscope/attention/backward.hpp"
#include "ulpscope/attention/driver.hpp"

namespace ulpscope {

// What the forward pass left, and the gradient of its output: (batch, heads, rows, dim).
struct BackwardInputs {
  std::span<const uint16_t> dout;
  std::span<const uint32_t> o;    // registers that hold the stored O
  std::span<const uint32_t> lse;  // (batch, heads, rows), as the recipe's backward reads it
  // (batch, heads, rows), binary32: taken instead of rowsum(dO O); empty: the kernel's own.
  std::span<const uint32_t> delta = {};
};

struct BackwardOptions {
  int threads = 1;
  Logging logging = Logging::on;
  // Called for every query head before its tiles, from any thread; may be empty.
  std::function<std::unique_ptr<PairObserver>(int64_t batch, int64_t head)> observe = {};
  std::function<void(int64_t done)> progress = {};  // query heads
  const std::atomic<bool>* stop = nullptr;
};

// Registers before the store's code.
struct Gradients {
  std::vector<uint32_t> dq;     // (batch, heads, rows, dim)
  std::vector<uint32_t> dk;     // (batch, kv_heads, keys, dim)
  std::vector<uint32_t> dv;     // (batch, kv_heads, keys, dim)
  std::vector<uint32_t> delta;  // (batch, heads, rows)
  SiteStatistics sites;         // empty without logging
  bool complete = true;         // false if it was stopped
};

// An Error of kind input where dout or o does not have the size of q, or lse or a given delta not
// one number a row.
Gradients run_backward(const BackwardPlan& plan, const BackwardInputs& inputs,
                       const BackwardOptions& options);

}  // namespace ulpscope
