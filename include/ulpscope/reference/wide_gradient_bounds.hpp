// How far the gradients of wide_gradients.hpp can be from the exact ones.
//
// To first order, as for the row of wide_attention.hpp; docs/numerics/wide_reference.md, section
// "Gradients", derives every term. The bounds hold for finite heads whose inputs, dO and scale
// included, are zero or of magnitude 2^-150 to 2^150 (all that decodes from binary32 and narrower
// formats), and are infinity where the argument does not carry (row scores around 2^37). They say
// nothing about numbers that are NaN or infinite.
//
// By keys as by rows: the rows give what the keys need, every block of keys goes by itself.
// A bound costs about twice the answer that it is for.
// Tested by tests/reference/wide_gradient_bounds_test.cpp.
#pragma once

#include "ulpscope/reference/wide_gradients.hpp"

#include <span>
#include <vector>

namespace ulpscope {

// What can be wrong with all pairs of a row.
struct WideRowErrors {
  double weight = 0;  // of P, relative: the part that all keys share
  double excess = 0;  // of the summary's number, absolute
};

// |dq - exact| <= bound.dq, |delta - exact| <= bound.delta.
struct WideGradientBound {
  std::vector<double> dq;
  double delta = 0;
  WideRowErrors errors;
};

// For a row that wide_gradient_row has filled.
void wide_gradient_bound(const GradientHead& gradient, int64_t row, const WideGradientRow& answer,
                         WideGradientBound& bound);

struct WideKeyBound {
  std::vector<double> dk;  // as in WideKeyGradients
  std::vector<double> dv;
};

// For keys that wide_key_gradients has filled; `errors` are those of all rows.
void wide_key_bound(const GradientHead& gradient, std::span<const WideRowSummary> rows,
                    std::span<const WideRowErrors> errors, const WideKeyGradients& answer,
                    WideKeyBound& bound);

// One more head of a group. `total` is the group's sum with this head in it.
void add_head_bound(const WideKeyBound& head, const WideKeyGradients& total, WideKeyBound& bound);

}  // namespace ulpscope
