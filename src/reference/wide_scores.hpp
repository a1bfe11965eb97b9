// The score of a pair in binary64: what ReferenceTerms make of z = scale q.k, and how far it can be
// off.
//
//   cap 30: z = 45 -> s = 30 tanh(1.5) = 27.2, and z gets 1 - tanh^2(1.5) = 0.18 of the gradient
//
// docs/numerics/wide_reference.md, section "Score terms", derives the errors.
// Tested by tests/reference/wide_attention_test.cpp and wide_gradient_bounds_test.cpp.
#pragma once

#include "ulpscope/reference/wide_attention.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <limits>

#include "wide_sums.hpp"

namespace ulpscope::wide {

// How many keys the row's diagonal is away.
inline double distance(const ReferenceTerms& terms, int64_t row, int64_t key) {
  return static_cast<double>(std::abs(row + terms.diagonal - key));
}

inline double product_of(const ReferenceHead& head, int64_t row, int64_t key) {
  return head.scale * dot(head.q + row * head.dim_qk, head.k + key * head.dim_qk, head.dim_qk);
}

// The score of a pair whose scaled product is z.
inline double with_terms(const ReferenceHead& head, int64_t row, int64_t key, double z) {
  const ReferenceTerms& terms = head.terms;
  double s = z;
  if (terms.cap > 0) s = terms.cap * wide_tanh(s / terms.cap);
  if (terms.slope > 0 || terms.slope < 0) s -= terms.slope * distance(terms, row, key);
  if (terms.bias) s += terms.bias(row, key);
  return s;
}

inline double score_of(const ReferenceHead& head, int64_t row, int64_t key) {
  return with_terms(head, row, key, product_of(head, row, key));
}

// The same of neighbouring keys.
inline void scores_of(const ReferenceHead& head, int64_t row, KeyRange keys, double* s) {
  const int64_t count = keys.last - keys.first;
  dots(head.q + row * head.dim_qk, head.k + keys.first * head.dim_qk, count, head.dim_qk, s);
  for (int64_t j = 0; j < count; ++j) {
    s[j] = with_terms(head, row, keys.first + j, head.scale * s[j]);
  }
}

// d s / d z
inline double cap_slope(const ReferenceHead& head, int64_t row, int64_t key) {
  if (!(head.terms.cap > 0)) return 1.0;
  return wide_tanh_slope(product_of(head, row, key) / head.terms.cap);
}

struct ScoreError {
  double value;
  double slope = 0;  // relative: of the derivative, and of the product with it
};

inline ScoreError score_error(const ReferenceHead& head, int64_t row, int64_t key) {
  constexpr double u = unit_roundoff;
  const ReferenceTerms& terms = head.terms;
  const double* const q = head.q + row * head.dim_qk;
  const double* const k = head.k + key * head.dim_qk;
  const double magnitude = std::abs(head.scale) * absolute_dot(q, k, head.dim_qk);
  const double product = (dot_roundings(head.dim_qk) + 1) * u * magnitude;  // 1: the scale
  ScoreError error{product};
  double value = product_of(head, row, key);
  if (terms.cap > 0) {
    const double y = value / terms.cap;
    const double t = std::abs(wide_tanh(y));
    value = terms.cap * wide_tanh(y);
    error.value += (wide_tanh_error + 2 * u) * std::abs(value);
    error.slope = 2 * t * (product / terms.cap + u * std::abs(y)) + wide_tanh_slope_error + u;
  }
  if (terms.slope > 0 || terms.slope < 0) {
    const double taken_off = terms.slope * distance(terms, row, key);
    value -= taken_off;
    error.value += u * (std::abs(taken_off) + std::abs(value));
  }
  if (terms.bias) {
    value += terms.bias(row, key);
    // A hidden key weighs zero, without error.
    if (value < -std::numeric_limits<double>::max()) return {0.0};
    error.value += u * std::abs(value);
  }
  return error;
}

}  // namespace ulpscope::wide
