// Attention in 160-bit arithmetic, untiled: the `exact` reference that judges the wide one.
//
// The same formulas as wide_attention.hpp, term by term, with Boost's binary floats: numbers of
// 160 bits, so that nothing needs care. An answer is handed back as an unevaluated sum of two
// doubles, hi the nearest double and lo the nearest to what is left (about 106 bits).
//
// Error, derived in docs/numerics/wide_reference.md: below `o_error` and `lse_error`, which are
//   2^-90 sum p|v| / sum p     and     2^-90 (1 + |lse|)
// as long as every sum_k |scale q_k K_jk| is below 2^50, and where a score has terms these, the cap
// and that sum over the cap too. The arithmetic itself is good to about
// 2^-145 of these; two doubles hold less.
//
// Limits: 2 to 3 million multiply-adds a second, 25 microseconds an exponential: for sampled
// rows, not for layers. Results below the range of double lose lo.
// Tested by tests/reference/exact_attention_test.cpp.
#pragma once

#include "ulpscope/reference/wide_attention.hpp"

namespace ulpscope {

// The number hi + lo.
struct TwoDoubles {
  double hi = 0;
  double lo = 0;
};

struct ExactRow {
  std::vector<TwoDoubles> o;    // [dim_v]
  std::vector<double> o_error;  // [dim_v]: |o - exact| is below
  TwoDoubles lse;
  double lse_error = 0;
};

void exact_attention_row(const ReferenceHead& head, int64_t row, ExactRow& out);

}  // namespace ulpscope
