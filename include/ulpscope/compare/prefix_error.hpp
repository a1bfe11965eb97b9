// How the error of one element of O grows key by key: the staircase of the paper's equations 4, 5.
//
//   product   O_err(t) = sum over j < t of P_j V_j, rounded once to O's format - the exact sum
//   stored    the same of the element: O of the kernel - the exact sum of p_j V_j / l
//
// Scores, maxima, P and the row sum are those of the whole row; the values of the keys from t on
// are zeros. So the last step of `stored` is the element with its own bits. `product` is the
// paper's map: one tile, one rounding before the division. Where two values that weigh 1 meet and
// the rest is too small to be seen, it jumps at keys with P = 1 and nowhere else; the division may
// move the tie, so that `stored` jumps elsewhere, too.
//
//   const auto errors = prefix_errors(plan, {.row = 512, .feature = 3}, PrefixOf::product);
//   errors.steps[40].error - errors.steps[39].error      what key 40 did, in ulps
//
// A column of the pass takes one prefix, so n keys cost n / dim passes of the row's tile: 4,096
// prefixes at most, evenly spread where a row sees more keys. The exact sums are binary64 (the wide
// reference), good to 2^-40 of the largest term.
// Source: Qiu and Yao, arXiv 2510.04212, figure 6. Tested by tests/compare/prefix_error_test.cpp.
#pragma once

#include "ulpscope/compare/element_history.hpp"

#include <vector>

namespace ulpscope {

inline constexpr int64_t most_prefixes = 4096;

enum class PrefixOf : uint8_t { product, stored };

struct PrefixStep {
  int64_t key;         // the last one of the prefix
  double probability;  // of that key, as the product with V takes it
  double weight;       // exact, the row's maximum weighing 1
  double value;        // of V
  double error;        // of the prefix up to this key, in ulps of the whole
};

struct PrefixErrors {
  double exact = 0;      // the element, or its product before the division
  int ulp_exponent = 0;  // of the output format there
  std::vector<PrefixStep> steps;

  double error() const { return steps.empty() ? 0 : steps.back().error; }
  double jump(size_t step) const {
    return steps[step].error - (step == 0 ? 0 : steps[step - 1].error);
  }
  // The first step with more than half of the error, and the first from which on every one has.
  size_t shortest_half() const;
  size_t lasting_half() const;
};

// An element of O. Without steps where the row sees no keys or something is not finite.
PrefixErrors prefix_errors(const Plan& plan, const TracedElement& element, PrefixOf what);

// Whether P is a power of two, 1 included: its product with V keeps V's last bits at zero.
bool is_power_of_two(double probability);

}  // namespace ulpscope
