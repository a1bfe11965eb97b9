// The gradients of attention in binary64, untiled: by rows dP, dS, delta and dQ, by keys dK and dV.
//
//   P_j  = p_j / sum_j p_j                       of the row's visible keys, wide_attention.hpp
//   dP_j = sum_f dO_f V_jf                       e_j = dP_j - dP_r
//   x    = sum_j P_j e_j                         delta = dP_r + x = sum_f dO_f O_f
//   dS_j = P_j (e_j - x) g_j                     dQ_k = scale sum_j dS_j K_jk
//   dK_jk = scale sum_i dS_ij Q_ik               dV_jf = sum_i P_ij dO_if
//
// g_j is 1, or with a soft cap C the 1 - tanh^2(z_j / C) of the pair's product z_j = scale q.K_j.
// Slopes and bias count through P alone; the gradient of the bias is not computed.
//
// r, the pivot, is the first of the row's keys with the largest score. Taking its dP out of
// dP_j - delta before the sum keeps dS good to many digits in rows where one key has nearly all of
// the weight: there dS is nearly zero, and dP_r - delta would be all rounding error.
//
// The way to go: every row by itself; then, with the summaries of all rows, every block of keys by
// itself. Both are functions of their inputs alone and may run in any order on any number of
// threads; a key's bits do not depend on the block that it is computed in, and P and dS are the
// same bits in both. Nothing is larger than a row or 64 rows of a block: no memory of rows x keys.
//
// Shape of the sums: features in eight lanes, keys in blocks of 64 from the first visible one, as
// in wide_attention.hpp. Rows in blocks of 64 from row 0, in ascending order those that see the
// key, from zero, then added to the total. The scale comes last. Grouped heads share K and V: add
// the heads' dK and dV in ascending order with add_head.
//
// A row without visible keys has zero gradients and gives none. NaN and infinities go where IEEE
// arithmetic takes them; the pivot's dP, if it is not finite, is not taken out.
// Error bounds: wide_gradient_bounds.hpp. Tested by tests/reference/wide_gradients_test.cpp.
#pragma once

#include "ulpscope/reference/wide_attention.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

// A head and the gradient of its output. The head must outlive it.
struct GradientHead {
  const ReferenceHead& head;
  const double* dout;  // [rows, dim_v]
};

// What the gradients by keys need of a row.
struct WideRowSummary {
  KeyRange keys;          // visible ones
  double maximum = 0;     // of the scores
  double sum = 0;         // of the unnormalised weights
  int64_t pivot_key = 0;  // r
  double pivot = 0;       // dP_r
  double excess = 0;      // x; delta is pivot + excess
};

// A row's answer and the numbers it came from. Reuse one object for many rows.
struct WideGradientRow {
  WideRow forward;  // scores, O, LSE
  WideRowSummary summary;
  std::vector<double> p;   // P_j of the visible keys
  std::vector<double> dp;  // dP_j
  std::vector<double> ds;  // dS_j, without the scale
  std::vector<double> dq;  // [dim_qk]
  double delta = 0;
};

void wide_gradient_row(const GradientHead& gradient, int64_t row, WideGradientRow& out);

// P, dP and dS (without the scale) of a row and keys that it sees, from the row's summary: the bits
// of wide_gradient_row.
struct WidePairs {
  std::vector<double> p;
  std::vector<double> dp;
  std::vector<double> ds;
};
void wide_gradient_pairs(const GradientHead& gradient, int64_t row, const WideRowSummary& summary,
                         KeyRange keys, WidePairs& out);

// The keys of one block.
struct WideKeyGradients {
  KeyRange keys;
  std::vector<double> dk;  // [keys, dim_qk]
  std::vector<double> dv;  // [keys, dim_v]
};

// `rows` are the summaries of all rows. 64 keys at a time are a good block: the work space is
// 128 numbers a key.
void wide_key_gradients(const GradientHead& gradient, std::span<const WideRowSummary> rows,
                        KeyRange keys, WideKeyGradients& out);

// One more head of a group; an empty total becomes its first.
void add_head(const WideKeyGradients& head, WideKeyGradients& total);

}  // namespace ulpscope
