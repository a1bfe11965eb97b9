// The gradients of attention in 160-bit arithmetic: the formulas of wide_gradients.hpp, pivot and
// all, term by term, for small problems and for samples of larger ones.
//
//   a sampled row: dQ, delta and the row's P, dP, dS     work: keys x (2 dim_qk + dim_v)
//   a sampled key: dK and dV                             work: rows x (2 dim_qk + 2 dim_v), and
//                                                        the summary of every row, computed once
//
// Answers are unevaluated sums of two doubles, as in exact_attention.hpp. Their errors are below
//   dQ     2^-90 |scale| sum_j P_j M_j |K_jk|        dK   2^-90 |scale| sum_i P_ij M_ij |Q_ik|
//   dV     2^-90 sum_i P_ij |dO_if|                  delta   2^-90 (B_r + G)
// where B_j = sum_f |dO_f V_jf|, E_j = B_j + B_r (zero at the pivot r), G = sum_j P_j E_j and
// M_j = E_j + G, as long as the scores are as in exact_attention.hpp and inputs are zero or of
// magnitude 2^-150 to 2^150. docs/numerics/wide_reference.md has the derivation.
//
// Limits: results below the range of double lose lo, and then hi. 2 to 3 million multiply-adds a
// second, 25 microseconds an exponential. The summaries of
// 1024 rows that see 1024 keys take a minute: sampled keys are for problems of some 100,000 pairs.
// Tested by tests/reference/exact_gradients_test.cpp.
#pragma once

#include "ulpscope/reference/exact_attention.hpp"
#include "ulpscope/reference/wide_gradients.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

// The sum of its parts, each the nearest double to what the earlier ones leave: 160 bits.
struct FourDoubles {
  std::array<double, 4> part{};
};

// What the gradients by keys need of a row, see WideRowSummary.
struct ExactRowSummary {
  KeyRange keys;
  int64_t pivot_key = 0;
  FourDoubles maximum;
  FourDoubles sum;
  FourDoubles pivot;
  FourDoubles excess;
  double pivot_magnitude = 0;  // B_r, not below it
  double mean_magnitude = 0;   // G, likewise
};

struct ExactGradientRow {
  ExactRowSummary summary;
  std::vector<TwoDoubles> p;   // P_j of the visible keys
  std::vector<TwoDoubles> dp;  // dP_j
  std::vector<TwoDoubles> ds;  // dS_j, without the scale
  std::vector<TwoDoubles> dq;  // [dim_qk]
  std::vector<double> dq_error;
  TwoDoubles delta;
  double delta_error = 0;
};

void exact_gradient_row(const GradientHead& gradient, int64_t row, ExactGradientRow& out);

struct ExactKeyGradients {
  std::vector<TwoDoubles> dk;  // [dim_qk]
  std::vector<TwoDoubles> dv;  // [dim_v]
  std::vector<double> dk_error;
  std::vector<double> dv_error;
};

// One key; `rows` are the summaries of all rows.
void exact_key_gradients(const GradientHead& gradient, std::span<const ExactRowSummary> rows,
                         int64_t key, ExactKeyGradients& out);

// One more head of a group; an empty total becomes its first.
void add_head(const ExactKeyGradients& head, ExactKeyGradients& total);

}  // namespace ulpscope
