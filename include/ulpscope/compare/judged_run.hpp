// A forward run, its outputs collected and judged against the reference while it goes.
//
// Small problems are judged by `exact` (160 bits), larger ones by `wide` (binary64 with a derived
// bound), and there about 1,000 elements, whole rows spread evenly over the problem, are computed
// by `exact` too: the largest difference of the two is reported with the result.
//
// The recipe's engine says who computes: the tiled pass, or the reference rounded once (`exact`).
// Tested by tests/compare/judged_run_test.cpp.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/compare/error_tally.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ulpscope {

struct JudgedOptions {
  int threads = 1;
  Logging logging = Logging::on;
  std::function<void(int64_t done)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

struct ReferenceReport {
  std::string name;  // "exact" or "wide"
  std::string description;
  int64_t judged_rows = 0;  // rows that `exact` computed too
  int64_t judged_elements = 0;
  double largest_difference_ulp = 0;  // between the two, in ulps of the output format
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

}  // namespace ulpscope
