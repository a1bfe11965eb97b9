// Attention in binary64, untiled, one query row at a time: the `wide` reference of large problems.
//
//   z_j = scale * sum_k q_k K_jk     s_j = z_j, capped and added to as ReferenceTerms say
//   m   = max s_j                    p_j = exp(s_j - m)
//   O_f = sum_j p_j V_jf / sum_j p_j       LSE = m + ln sum_j p_j        (natural logarithm)
//
// over the visible keys j of the row. Every sum has one fixed shape (below), exp and log are our
// own, and a row depends on nothing but its inputs: the bits are the same on every machine and
// for any number of threads. The caller spreads rows over threads.
//
// Shape of the sums. q.k: eight lanes, lane l taking the features k = l mod 8 in ascending order,
// joined as ((0+4)+(2+6)) + ((1+5)+(3+7)). Sums over keys: blocks of 64 keys from the first
// visible one, each summed in ascending order from zero and then added to the total.
//
// A row without visible keys, or with none that its bias does not hide, gives O = 0 and LSE =
// +infinity. NaN and infinities go where IEEE arithmetic takes them: a NaN score makes the row NaN,
// an infinite V its feature, even under a weight of zero.
//
// wide_error_bound tells how far a row can be from the exact one; the derivation is in
// docs/numerics/wide_reference.md. It holds for finite rows whose inputs are zero or of magnitude
// 2^-500 to 2^500, and is infinity where the first-order argument does not carry (row scores
// around 2^40). Where O or LSE is NaN or infinite, it says nothing about that number.
//
// Tested by tests/reference/wide_attention_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace ulpscope {

// The visible keys of a row: first <= j < last.
struct KeyRange {
  int64_t first = 0;
  int64_t last = 0;
};

// What becomes of z = scale q.k before the softmax, in this order.
struct ReferenceTerms {
  double cap = 0;        // C: z becomes C tanh(z / C); 0: it stays
  double slope = 0;      // slope |row + diagonal - key| is taken off
  int64_t diagonal = 0;  // the key of row 0
  // Added; -infinity hides the key. Empty: nothing.
  std::function<double(int64_t row, int64_t key)> bias = {};
};

// One head, decoded to double. Row-major and contiguous.
struct ReferenceHead {
  const double* q;  // [rows, dim_qk]
  const double* k;  // [keys, dim_qk]
  const double* v;  // [keys, dim_v]
  int64_t rows;
  int64_t keys;
  int64_t dim_qk;
  int64_t dim_v;
  double scale;
  std::function<KeyRange(int64_t row)> visible = {};  // empty: every key
  ReferenceTerms terms = {};
};

// Row i sees the keys up to and including i + offset: offset 0 aligns the mask top-left,
// offset keys - rows bottom-right.
std::function<KeyRange(int64_t)> causal_keys(int64_t keys, int64_t offset);

// The visible keys of a row, none if a bias hides all of them; an Error of kind usage where a mask
// leaves [0, keys].
KeyRange visible_keys(const ReferenceHead& head, int64_t row);

// A row's answer and the numbers it came from. Reuse one object for many rows.
struct WideRow {
  KeyRange keys;
  std::vector<double> scores;   // s_j of the visible keys
  std::vector<double> weights;  // p_j of the visible keys
  std::vector<double> o;        // [dim_v]
  double maximum = 0;
  double sum = 0;
  double lse = 0;
};

void wide_attention_row(const ReferenceHead& head, int64_t row, WideRow& out);

// |o - exact| <= bound.o, |lse - exact| <= bound.lse.
struct WideBound {
  std::vector<double> o;
  double lse = 0;
};

// For a row that wide_attention_row has filled. Costs as much as the row itself.
void wide_error_bound(const ReferenceHead& head, int64_t row, const WideRow& answer,
                      WideBound& bound);

}  // namespace ulpscope
