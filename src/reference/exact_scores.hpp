// The score of a pair in 160 bits: what ReferenceTerms make of z = scale q.k.
// Tested by tests/reference/exact_attention_test.cpp and exact_gradients_test.cpp.
#pragma once

#include "float160.hpp"

namespace ulpscope::exact {

struct Score {
  Float160 value;
  Float160 slope = 1;  // d value / d z, of a capped score
};

inline Score score_of(const ReferenceHead& head, const std::vector<Float160>& q, int64_t row,
                      int64_t key) {
  const ReferenceTerms& terms = head.terms;
  Score score{dot(q, head.k + key * head.dim_qk) * Float160(head.scale)};
  if (terms.cap > 0) {
    // tanh y = (1 - e) / (1 + e) and 1 - tanh^2 y = 4 e / (1 + e)^2 with e = exp(-2 |y|)
    const Float160 cap = terms.cap;
    const Float160 e = exp(Float160(-2 * abs(score.value) / cap));
    const Float160 capped = cap * ((1 - e) / (1 + e));
    score = {score.value < 0 ? Float160(-capped) : capped, 4 * e / ((1 + e) * (1 + e))};
  }
  if (terms.slope > 0 || terms.slope < 0) {
    score.value -= Float160(terms.slope) * Float160(std::abs(row + terms.diagonal - key));
  }
  if (terms.bias) score.value += Float160(terms.bias(row, key));
  return score;
}

}  // namespace ulpscope::exact
