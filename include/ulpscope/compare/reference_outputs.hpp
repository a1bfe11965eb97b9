// What O, the LSE and the gradients of a problem should be: computed once, for every run that is
// judged by them.
//
//   const auto reference = forward_reference(plan, {.threads = 4});
//   run_judged(plan, reference, {});   run_judged(another_kernels_plan, reference, {});
//
// O and the LSE of small problems are computed by `exact` (160 bits), of larger ones by `wide`
// (binary64 with a derived bound), and there about 250 elements, whole rows spread evenly over
// the problem, by `exact` too: the largest difference of the two is reported.
//
// Gradients are computed by `wide`. By `exact` too: dQ of 8 rows and dK, dV of 8 keys, spread
// evenly; their largest differences are reported likewise. A key needs every row's maximum, sum and
// delta: those of the rows that share its K/V head are computed by `exact` where these have no more
// than 4,096 pairs, and taken from `wide` otherwise, so that the sample costs 8 rows and 8 columns
// of pairs (a tenth of a millisecond each) however long the problem is.
//
// Memory: 8 bytes an element of the outputs. Tested by tests/compare/reference_outputs_test.cpp.
#pragma once

#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/reference/wide_gradients.hpp"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

struct ReferenceOptions {
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;
};

struct ReferenceReport {
  std::string name;  // "exact" or "wide"
  std::string description;
  int64_t judged_rows = 0;  // rows that `exact` computed too
  int64_t judged_elements = 0;
  double largest_difference_ulp = 0;  // between the two, in ulps of the output format

  // Of other heads of the same problem.
  void merge(const ReferenceReport& other);
};

// Which reference judges the problem; nothing has been judged yet.
ReferenceReport reference_for(const Plan& plan);

struct ForwardReference {
  std::vector<double> o;    // (batch, heads, rows, dim)
  std::vector<double> lse;  // (batch, heads, rows)
  ReferenceReport report;
  bool complete = true;  // false if it was stopped
};

ForwardReference forward_reference(const Plan& plan, const ReferenceOptions& options);

// What `exact` says of a sample of the gradients; differences in ulps of their own formats.
struct GradientReport {
  int64_t judged_rows = 0;  // of dQ
  int64_t judged_keys = 0;  // of dK and dV
  bool exact_rows = false;  // the rows' maximum, sum and delta behind dK and dV are exact too
  double dq_difference_ulp = 0;
  double dk_difference_ulp = 0;
  double dv_difference_ulp = 0;

  // Of other heads of the same problem.
  void merge(const GradientReport& other);
};

struct GradientReference {
  std::vector<double> dq;            // (batch, heads, rows, dim)
  std::vector<double> dk;            // (batch, kv_heads, keys, dim)
  std::vector<double> dv;            // (batch, kv_heads, keys, dim)
  std::vector<double> delta;         // (batch, heads, rows)
  std::vector<WideRowSummary> rows;  // (batch, heads, rows)
  GradientReport report;
  bool complete = true;
};

GradientReference gradient_reference(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const ReferenceOptions& options);

// Whether two kernels solve the same problem, so that one reference serves both: they may fold
// heads and align the mask in different ways. Both plans are of the same operands.
bool share_reference(const Plan& a, const Plan& b);

}  // namespace ulpscope
