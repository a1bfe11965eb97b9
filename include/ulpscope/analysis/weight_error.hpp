// What the errors of delta make of the gradient of W^Q: a sum of rank-1 terms, one a token.
//
//   dW_hp - dW_lp = alpha sum over T of e_T (PK)[T]^T X[T],   e_T = delta_lp - delta_hp of row T
//
// Errors of one sign add up where the terms look alike. Two numbers say whether they do:
//   similarity      mean cosine between the terms of two different tokens: 1 all alike, 0 unrelated
//   effective_rank  (sum of eigenvalues)^2 / sum of their squares, of the Gram matrix of the terms
//                   brought to length 1: 1 all alike, the number of tokens where all are orthogonal
//
//   weight_error({.pk = pk, .x = x, .errors = e, .dim = 64, .width = 768})
//
// The cosine of two terms is that of their PK times that of their X, so that no term is written
// out. Tokens whose PK or X is 0 or not finite, or whose error is not finite, are left out. Cost:
// tokens^2 (dim + width). Source: Qiu and Yao, arXiv 2510.04212, equations 2 and 3 and figure 4.
// Tested by tests/analysis/weight_error_test.cpp.
#pragma once

#include <cstdint>
#include <span>

namespace ulpscope {

struct WeightErrorTerms {
  std::span<const double> pk;      // (tokens, dim)
  std::span<const double> x;       // (tokens, width)
  std::span<const double> errors;  // (tokens)
  int64_t dim;
  int64_t width;
  double alpha = 1;
};

struct WeightError {
  int64_t tokens = 0;
  double similarity = 0;  // 0 for fewer than two tokens
  double effective_rank = 0;
  double spectral_norm = 0;  // of dW_hp - dW_lp
  double largest = 0;  // alpha sum |e| |PK| |X|: the norm if all terms were alike, of one sign
};

WeightError weight_error(const WeightErrorTerms& terms);

}  // namespace ulpscope
