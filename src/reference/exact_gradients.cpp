// The gradients with wide binary floats, as plainly as they can be written.
#include "ulpscope/reference/exact_gradients.hpp"

#include "ulpscope/base/host_fp.hpp"

#include "exact_scores.hpp"
#include "gradient_checks.hpp"

namespace ulpscope {

namespace {

using exact::claimed_error;

// A row's pairs with keys: the numbers that both directions start from.
struct Pair {
  exact::Score score;
  Float160 dp;
  double magnitude = 0;  // B_j, not below it
};

class Pairs {
 public:
  Pairs(const GradientHead& gradient, int64_t row)
      : head_(gradient.head),
        row_(row),
        dout_doubles_(gradient.dout + row * head_.dim_v),
        q_(exact::widened(head_.q + row * head_.dim_qk, head_.dim_qk)),
        dout_(exact::widened(dout_doubles_, head_.dim_v)) {}

  Pair operator()(int64_t key) const {
    const double* const v = head_.v + key * head_.dim_v;
    Pair pair;
    pair.score = exact::score_of(head_, q_, row_, key);
    pair.dp = exact::dot(dout_, v);
    for (int64_t f = 0; f < head_.dim_v; ++f) pair.magnitude += std::abs(dout_doubles_[f] * v[f]);
    pair.magnitude *= exact::rounding_allowance;
    return pair;
  }

 private:
  const ReferenceHead& head_;
  int64_t row_;
  const double* dout_doubles_;
  std::vector<Float160> q_;
  std::vector<Float160> dout_;
};

// A weighted sum of vectors, and above it the same of absolute values.
class Sum {
 public:
  explicit Sum(int64_t dim) : sums_(static_cast<size_t>(dim)), magnitudes_(sums_.size()) {}

  void add(const Float160& weight, double magnitude, const double* values) {
    for (size_t f = 0; f < sums_.size(); ++f) {
      sums_[f] += weight * Float160(values[f]);
      magnitudes_[f] += magnitude * std::abs(values[f]);
    }
  }

  void finish(double scale, std::vector<TwoDoubles>& answer, std::vector<double>& error) const {
    answer.clear();
    error.clear();
    for (const Float160& x : sums_) answer.push_back(exact::two_doubles(x * Float160(scale)));
    for (const double x : magnitudes_) error.push_back(claimed_error * std::abs(scale) * x);
  }

 private:
  std::vector<Float160> sums_;
  std::vector<double> magnitudes_;
};

// E_j of the header.
double pivot_distance(const ExactRowSummary& row, int64_t key, double magnitude) {
  return key == row.pivot_key ? 0.0 : magnitude + row.pivot_magnitude;
}

}  // namespace

void exact_gradient_row(const GradientHead& gradient, int64_t row, ExactGradientRow& out) {
  const HostFpGuard guard;
  const ReferenceHead& head = gradient.head;
  out = {};
  out.dq.resize(static_cast<size_t>(head.dim_qk));
  out.dq_error.resize(out.dq.size());
  ExactRowSummary& summary = out.summary;
  summary.keys = visible_keys(head, row);
  if (summary.keys.first == summary.keys.last) return;

  const Pairs pair_of(gradient, row);
  std::vector<Pair> pairs;
  for (int64_t j = summary.keys.first; j < summary.keys.last; ++j) pairs.push_back(pair_of(j));
  size_t heaviest = 0;
  for (size_t j = 1; j < pairs.size(); ++j) {
    if (pairs[j].score.value > pairs[heaviest].score.value) heaviest = j;
  }
  const Float160 maximum = pairs[heaviest].score.value;
  const Float160 pivot = isfinite(pairs[heaviest].dp) ? pairs[heaviest].dp : Float160(0);
  summary.pivot_key = summary.keys.first + static_cast<int64_t>(heaviest);
  summary.pivot_magnitude = pairs[heaviest].magnitude;

  Float160 sum = 0;
  std::vector<Float160> p;
  for (const Pair& pair : pairs) {
    p.push_back(exp(Float160(pair.score.value - maximum)));
    sum += p.back();
  }
  Float160 excess = 0;
  for (size_t j = 0; j < pairs.size(); ++j) {
    const int64_t key = summary.keys.first + static_cast<int64_t>(j);
    p[j] /= sum;
    excess += p[j] * (pairs[j].dp - pivot);
    summary.mean_magnitude +=
        exact::not_below(p[j]) * pivot_distance(summary, key, pairs[j].magnitude);
  }
  Sum dq(head.dim_qk);
  for (size_t j = 0; j < pairs.size(); ++j) {
    const int64_t key = summary.keys.first + static_cast<int64_t>(j);
    const Float160 ds = p[j] * ((pairs[j].dp - pivot) - excess) * pairs[j].score.slope;
    const double magnitude =
        pivot_distance(summary, key, pairs[j].magnitude) + summary.mean_magnitude;
    dq.add(ds, exact::not_below(p[j]) * magnitude, head.k + key * head.dim_qk);
    out.p.push_back(exact::two_doubles(p[j]));
    out.dp.push_back(exact::two_doubles(pairs[j].dp));
    out.ds.push_back(exact::two_doubles(ds));
  }
  dq.finish(head.scale, out.dq, out.dq_error);
  out.delta = exact::two_doubles(pivot + excess);
  out.delta_error = claimed_error * (summary.pivot_magnitude + summary.mean_magnitude);
  summary.maximum = exact::four_doubles(maximum);
  summary.sum = exact::four_doubles(sum);
  summary.pivot = exact::four_doubles(pivot);
  summary.excess = exact::four_doubles(excess);
}

void exact_key_gradients(const GradientHead& gradient, std::span<const ExactRowSummary> rows,
                         int64_t key, ExactKeyGradients& out) {
  const HostFpGuard guard;
  const ReferenceHead& head = gradient.head;
  check_key_block(head, rows.size(), {key, key + 1});
  Sum dk(head.dim_qk);
  Sum dv(head.dim_v);
  for (int64_t row = 0; row < head.rows; ++row) {
    const ExactRowSummary& summary = rows[static_cast<size_t>(row)];
    if (key < summary.keys.first || key >= summary.keys.last) continue;
    const Pair pair = Pairs(gradient, row)(key);
    const Float160 weight = exp(Float160(pair.score.value - exact::float160(summary.maximum)));
    const Float160 p = weight / exact::float160(summary.sum);
    const Float160 less_delta =
        (pair.dp - exact::float160(summary.pivot)) - exact::float160(summary.excess);
    const double p_above = exact::not_below(p);
    const double magnitude = pivot_distance(summary, key, pair.magnitude) + summary.mean_magnitude;
    dk.add(p * less_delta * pair.score.slope, p_above * magnitude, head.q + row * head.dim_qk);
    dv.add(p, p_above, gradient.dout + row * head.dim_v);
  }
  dk.finish(head.scale, out.dk, out.dk_error);
  dv.finish(1.0, out.dv, out.dv_error);
}

void add_head(const ExactKeyGradients& head, ExactKeyGradients& total) {
  const HostFpGuard guard;
  if (total.dk.empty() && total.dv.empty()) {
    total = head;
    return;
  }
  const auto add = [](const std::vector<TwoDoubles>& x, std::vector<TwoDoubles>& sum) {
    check_same_size(x.size(), sum.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const Float160 low = Float160(x[i].lo) + Float160(sum[i].lo);
      sum[i] = exact::two_doubles(Float160(x[i].hi) + Float160(sum[i].hi) + low);
    }
  };
  add(head.dk, total.dk);
  add(head.dv, total.dv);
  for (size_t i = 0; i < head.dk_error.size(); ++i) total.dk_error[i] += head.dk_error[i];
  for (size_t i = 0; i < head.dv_error.size(); ++i) total.dv_error[i] += head.dv_error[i];
}

}  // namespace ulpscope
