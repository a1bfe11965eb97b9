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
#include <span>
#include <vector>

namespace ulpscope {

// Against the reference; where it is off, none is computed, and errors and tallies stay empty.
enum class Judging { off, on };

// What the scores of a row hold in store for it (analysis/row_monitor.hpp).
enum class RowKind : uint8_t { plain, tied, at_risk };

struct JudgedOptions {
  int threads = 1;
  Logging logging = Logging::on;
  Judging judging = Judging::on;
  // Of every row of every head of the plan, to judge O by them; empty: of no row.
  std::span<const RowKind> row_kinds = {};
  std::function<void(int64_t done)> progress = {};
  const std::atomic<bool>* stop = nullptr;
  ForwardEngine forward = run_forward;
};

// O's errors in the rows that have two or more equal maxima, and in those of them at risk.
struct ErrorsByRows {
  ErrorTally tied;
  ErrorTally at_risk;

  ErrorsByRows(int64_t rows, int64_t columns);
  void merge(const ErrorsByRows& other);
  void close_head();
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
  ErrorsByRows o_by_rows;
  ReferenceReport reference;
  bool complete = true;
};

JudgedRun run_judged(const Plan& plan, const JudgedOptions& options);

// With a reference that was computed before, for this plan or one that shares it.
JudgedRun run_judged(const Plan& plan, const ForwardReference& reference,
                     const JudgedOptions& options);

}  // namespace ulpscope
