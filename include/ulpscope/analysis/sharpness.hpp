// Keskar's sharpness of the softmax cross-entropy at given logits: how far the loss rises when
// every logit may move by eps (|x_i| + 1).
//
//   f(x) = ln sum_j exp(x_j) - x_target
//   phi  = 100 (max f(x + y) - f(x)) / (1 + f(x)),   |y_i| <= eps (|x_i| + 1)
//
//   sharpness(std::vector<double>{0, 0}, 0, 0.5)->phi    // 100 (ln(1 + e) - ln 2) / (1 + ln 2)
//
// f rises with every logit but the target's and falls with that one, so the maximum over the box is
// at one corner, where the target is at its lowest and all others are at their highest: no search
// is needed, and phi is that of the exact maximum. Closed cases, of n classes:
//
//   all x_i = c              f = ln n,                    max f = ln(1 + (n - 1) e^(2 eps (|c| +
//   1))) target a > 0, others 0   f = ln(1 + (n - 1) e^-a),    max f = ln(1 + (n - 1) e^(-a + eps
//   (a + 2)))
//
// Classes at -infinity are absent: they have neither weight nor a box. In binary64: f is within
// (3 + |d| / 2 + f) 2^-52, d the largest distance of a logit from the target's.
//
// Sources: Keskar et al., arXiv 1609.04836, metric 2.1; taken at the logits as Lee et al., arXiv
// 2405.18710, do. Tested by tests/analysis/sharpness_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace ulpscope {

struct Sharpness {
  double loss = 0;    // f(x)
  double raised = 0;  // its maximum over the box
  double phi = 0;
};

// Of one position; eps > 0. Nothing where a logit is NaN or +infinity, or the target is absent.
std::optional<Sharpness> sharpness(std::span<const double> logits, size_t target, double eps);

// The largest logit, the first of equal ones; NaN is never larger. Logits are not empty.
size_t largest_logit(std::span<const double> logits);

}  // namespace ulpscope
