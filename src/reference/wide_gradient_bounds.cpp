// The charges of docs/numerics/wide_reference.md, section "Gradients"; numbers in brackets are the
// equations there.
#include "ulpscope/reference/wide_gradient_bounds.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <cmath>
#include <limits>

#include "gradient_checks.hpp"
#include "wide_scores.hpp"
#include "wide_tile.hpp"

namespace ulpscope {

namespace {

constexpr double u = wide::unit_roundoff;
// Score errors from here on: the exponential is no longer linear in them.
constexpr double linear = 0x1p-12;
constexpr double infinity = std::numeric_limits<double>::infinity();
// Above what underflow can do to dS, its products with an input, and the scale of their sum.
constexpr double ds_floor = 0x1p-700;

// One row and one of its keys: the numbers, and what can be wrong with them.
struct Pair {
  double p = 0;               // not below the true one
  double from_pivot = 0;      // e
  double less_delta = 0;      // e - x
  double relative = 0;        // error of p, the key's own part; the row has another    (6)
  double absolute = 0;        // error of e                                             (8)
  double slope = 1;           // g, of a capped score
  double slope_relative = 0;  // error of g
};

class Pairs {
 public:
  Pairs(const GradientHead& gradient, int64_t row, const WideRowSummary& summary)
      : head_(gradient.head),
        row_(row),
        operands_(wide::row_operands(gradient, row)),
        summary_(summary),
        pivot_magnitude_(magnitude(summary.pivot_key)) {}

  // sum_f |dO_f V_rf|
  double pivot_magnitude() const { return pivot_magnitude_; }

  Pair operator()(int64_t key) const {
    const double* const v = head_.v + key * head_.dim_v;
    const double score = wide::score_of(head_, row_, key);
    const double dp = wide::dot(operands_.dout, v, head_.dim_v);
    Pair pair;
    pair.p = wide_exp(score - summary_.maximum) / summary_.sum + wide::underflow_floor;
    pair.from_pivot = dp - summary_.pivot;
    pair.less_delta = pair.from_pivot - summary_.excess;

    const wide::ScoreError error = wide::score_error(head_, row_, key);
    const double exponent_error = u * std::min(summary_.maximum - score, 800.0);
    pair.relative = error.value < linear ? error.value + exponent_error + wide_exp_error : infinity;
    pair.slope = wide::cap_slope(head_, row_, key);
    pair.slope_relative = error.slope < linear ? error.slope : infinity;
    if (key != summary_.pivot_key) {
      const double dp_error =
          wide::dot_roundings(head_.dim_v) * u * (magnitude(key) + pivot_magnitude_);
      pair.absolute = dp_error + u * std::abs(pair.from_pivot);
    }
    return pair;
  }

 private:
  double magnitude(int64_t key) const {
    return wide::absolute_dot(operands_.dout, head_.v + key * head_.dim_v, head_.dim_v);
  }

  const ReferenceHead& head_;
  int64_t row_;
  wide::RowOperands operands_;
  const WideRowSummary& summary_;
  double pivot_magnitude_;
};

// What can be wrong with dS, and with its products in a sum of so many roundings. (10)
double ds_charge(const Pair& pair, const WideRowErrors& row, double sum_roundings) {
  const double relative =
      pair.relative + row.weight + pair.slope_relative + (2 + sum_roundings) * u;
  const double absolute = pair.absolute + row.excess;
  return pair.slope * pair.p * (relative * std::abs(pair.less_delta) + absolute) + ds_floor;
}

// What can be wrong with P, likewise. (7)
double p_charge(const Pair& pair, const WideRowErrors& row, double sum_roundings) {
  return pair.p * (pair.relative + row.weight + sum_roundings * u);
}

// A sum of charges and the rounding of its result as a bound. Where the argument does not carry, a
// charge is infinite, and 0 x infinity is no bound either.
double bound_of(double charges, double result) {
  const double bound = wide::second_order * (charges + u * std::abs(result));
  return bound < infinity ? bound : infinity;
}

}  // namespace

void wide_gradient_bound(const GradientHead& gradient, int64_t row, const WideGradientRow& answer,
                         WideGradientBound& bound) {
  const HostFpGuard guard;
  const ReferenceHead& head = gradient.head;
  bound.dq.assign(static_cast<size_t>(head.dim_qk), 0.0);
  bound.delta = 0;
  bound.errors = {};
  const KeyRange range = answer.summary.keys;
  const int64_t keys = range.last - range.first;
  if (keys == 0) return;

  const double key_roundings = wide::block_roundings(keys);
  const Pairs pair_of(gradient, row, answer.summary);
  std::vector<Pair> pairs;
  for (int64_t j = range.first; j < range.last; ++j) pairs.push_back(pair_of(j));
  WideRowErrors& errors = bound.errors;
  errors.weight = (key_roundings + 1) * u;  // of the sum and of the quotient
  for (const Pair& pair : pairs) errors.weight += pair.p * pair.relative;
  for (const Pair& pair : pairs) {
    errors.excess +=
        p_charge(pair, errors, key_roundings) * std::abs(pair.from_pivot) + pair.p * pair.absolute;
  }

  std::vector<double> charge;
  for (const Pair& pair : pairs) charge.push_back(ds_charge(pair, errors, key_roundings));
  wide::weighted_sum(charge.data(), head.k + range.first * head.dim_qk, keys, bound.dq,
                     wide::absolute);
  for (size_t k = 0; k < bound.dq.size(); ++k) {
    bound.dq[k] = bound_of(std::abs(head.scale) * bound.dq[k], answer.dq[k]);
  }
  const double pivot_error = wide::dot_roundings(head.dim_v) * u * pair_of.pivot_magnitude();
  bound.delta = bound_of(pivot_error + errors.excess, answer.delta);
}

void wide_key_bound(const GradientHead& gradient, std::span<const WideRowSummary> rows,
                    std::span<const WideRowErrors> errors, const WideKeyGradients& answer,
                    WideKeyBound& bound) {
  const HostFpGuard guard;
  check_key_block(gradient.head, rows.size(), answer.keys);
  check_key_block(gradient.head, errors.size(), answer.keys);
  const double row_roundings = wide::block_roundings(gradient.head.rows);
  const auto fill = [&](int64_t row, KeyRange seen, double* value, double* key) {
    if (seen.first == seen.last) return;
    const auto i = static_cast<size_t>(row);
    const Pairs pair_of(gradient, row, rows[i]);
    for (int64_t j = seen.first; j < seen.last; ++j) {
      const Pair pair = pair_of(j);
      *value++ = p_charge(pair, errors[i], row_roundings);
      *key++ = ds_charge(pair, errors[i], row_roundings);
    }
  };
  wide::sum_over_rows(gradient, rows, answer.keys, fill, wide::absolute, bound.dk, bound.dv);
  for (size_t i = 0; i < bound.dk.size(); ++i) {
    bound.dk[i] = bound_of(std::abs(gradient.head.scale) * bound.dk[i], answer.dk[i]);
  }
  for (double& x : bound.dv) x = bound_of(x, 0.0);
}

void add_head_bound(const WideKeyBound& head, const WideKeyGradients& total, WideKeyBound& bound) {
  const HostFpGuard guard;
  const bool first = bound.dk.empty() && bound.dv.empty();
  if (first) {
    bound = head;
    return;
  }
  check_same_size(head.dk.size(), bound.dk.size());
  check_same_size(head.dv.size(), bound.dv.size());
  check_same_size(total.dk.size(), bound.dk.size());
  check_same_size(total.dv.size(), bound.dv.size());
  for (size_t i = 0; i < head.dk.size(); ++i) {
    bound.dk[i] += head.dk[i] + u * std::abs(total.dk[i]);
  }
  for (size_t i = 0; i < head.dv.size(); ++i) {
    bound.dv[i] += head.dv[i] + u * std::abs(total.dv[i]);
  }
}

}  // namespace ulpscope
