// A forward run, its outputs collected and judged against the reference tile by tile.
//
// The recipe's engine says who computes: the tiled pass, or the reference rounded once (`exact`).
// Tested by tests/compare/judged_run_test.cpp.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/reference_outputs.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

namespace ulpscope {

// Against the reference; where it is off, none is computed, and errors and tallies stay empty.
enum class Judging { off, on };

struct JudgedOptions {
  int threads = 1;
  Logging logging = Logging::on;
  Judging judging = Judging::on;
  std::function<void(int64_t done)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

struct JudgedRun {
  std::vector<uint32_t> o;          // codes in the output store's format, (batch, heads, rows, dim)
  std::vector<uint32_t> lse;        // binary32 bits, (batch, heads, rows)
  std::vector<uint32_t> statistic;  // the LSE as the recipe's backward pass reads it
  std::vector<float> o_ulp;         // signed errors
  std::vector<float> lse_ulp;
  SiteStatistics sites;
  ErrorTally o_errors;
  ErrorTally lse_errors;  // one column
  ReferenceReport reference;
  bool complete = true;
};

JudgedRun run_judged(const Plan& plan, const JudgedOptions& options);

// With a reference that was computed before, for this plan or one that shares it.
JudgedRun run_judged(const Plan& plan, const ForwardReference& reference,
                     const JudgedOptions& options);

}  // namespace ulpscope
