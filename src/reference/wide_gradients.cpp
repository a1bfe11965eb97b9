// The gradients in binary64: a row over its keys, then a block of keys over the rows.
#include "ulpscope/reference/wide_gradients.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <cmath>

#include "gradient_checks.hpp"
#include "wide_scores.hpp"
#include "wide_tile.hpp"

namespace ulpscope {

namespace {

// dP_j - delta.
double less_delta(const WideRowSummary& row, double dp) { return (dp - row.pivot) - row.excess; }

double ds_of(const ReferenceHead& head, int64_t row, int64_t key, double p, double less_delta) {
  return p * less_delta * wide::cap_slope(head, row, key);
}

// P, dP and dS of a row and keys that it sees, the same bits as in wide_gradient_row. dP and dS may
// be one place.
void fill_pairs(const GradientHead& gradient, int64_t row, const WideRowSummary& summary,
                KeyRange keys, double* p, double* dp, double* ds) {
  const ReferenceHead& head = gradient.head;
  const wide::RowOperands operands = wide::row_operands(gradient, row);
  const double* const v = head.v + keys.first * head.dim_v;
  const int64_t n = keys.last - keys.first;
  wide::scores_of(head, row, keys, p);
  for (int64_t j = 0; j < n; ++j) p[j] = p[j] - summary.maximum;
  wide_exp(p, p, n);
  wide::dots(operands.dout, v, n, head.dim_v, dp);
  for (int64_t j = 0; j < n; ++j) {
    p[j] = p[j] / summary.sum;
    ds[j] = ds_of(head, row, keys.first + j, p[j], less_delta(summary, dp[j]));
  }
}

}  // namespace

void wide_gradient_row(const GradientHead& gradient, int64_t row, WideGradientRow& out) {
  const HostFpGuard guard;
  const ReferenceHead& head = gradient.head;
  wide_attention_row(head, row, out.forward);
  WideRowSummary& summary = out.summary;
  summary = {};
  summary.keys = out.forward.keys;
  const int64_t keys = summary.keys.last - summary.keys.first;
  out.p.resize(static_cast<size_t>(keys));
  out.dp.resize(static_cast<size_t>(keys));
  out.ds.resize(static_cast<size_t>(keys));
  out.dq.assign(static_cast<size_t>(head.dim_qk), 0.0);
  out.delta = 0;
  if (keys == 0) return;

  const double* const dout = wide::row_operands(gradient, row).dout;
  const double* const k = head.k + summary.keys.first * head.dim_qk;
  const double* const v = head.v + summary.keys.first * head.dim_v;
  const double* const s = out.forward.scores.data();  // [keys]
  double* const p = out.p.data();                     // [keys]
  double* const dp = out.dp.data();                   // [keys]
  double* const ds = out.ds.data();                   // [keys]

  summary.maximum = out.forward.maximum;
  summary.sum = out.forward.sum;
  wide::dots(dout, v, keys, head.dim_v, dp);
  for (int64_t j = 0; j < keys; ++j) {
    p[j] = out.forward.weights[static_cast<size_t>(j)] / summary.sum;
  }
  int64_t heaviest = 0;
  while (s[heaviest] < summary.maximum) ++heaviest;
  summary.pivot_key = summary.keys.first + heaviest;
  summary.pivot = std::isfinite(dp[heaviest]) ? dp[heaviest] : 0.0;

  std::vector<double> excess(1);
  for (int64_t j = 0; j < keys; ++j) ds[j] = dp[j] - summary.pivot;
  wide::weighted_sum(p, ds, keys, excess, wide::itself);
  summary.excess = excess[0];
  out.delta = summary.pivot + summary.excess;

  for (int64_t j = 0; j < keys; ++j) {
    ds[j] = ds_of(head, row, summary.keys.first + j, p[j], less_delta(summary, dp[j]));
  }
  wide::weighted_sum(ds, k, keys, out.dq, wide::itself);
  for (double& x : out.dq) x *= head.scale;
}

void wide_gradient_pairs(const GradientHead& gradient, int64_t row, const WideRowSummary& summary,
                         KeyRange keys, WidePairs& out) {
  const HostFpGuard guard;
  const auto n = static_cast<size_t>(keys.last - keys.first);
  out.p.resize(n);
  out.dp.resize(n);
  out.ds.resize(n);
  fill_pairs(gradient, row, summary, keys, out.p.data(), out.dp.data(), out.ds.data());
}

void wide_key_gradients(const GradientHead& gradient, std::span<const WideRowSummary> rows,
                        KeyRange keys, WideKeyGradients& out) {
  const HostFpGuard guard;
  check_key_block(gradient.head, rows.size(), keys);
  out.keys = keys;
  const auto fill = [&](int64_t row, KeyRange seen, double* p, double* ds) {
    fill_pairs(gradient, row, rows[static_cast<size_t>(row)], seen, p, ds, ds);
  };
  wide::sum_over_rows(gradient, rows, keys, fill, wide::itself, out.dk, out.dv);
  for (double& x : out.dk) x *= gradient.head.scale;
}

void add_head(const WideKeyGradients& head, WideKeyGradients& total) {
  const HostFpGuard guard;
  if (total.dk.empty() && total.dv.empty()) {
    total = head;
    return;
  }
  check_same_size(head.dk.size(), total.dk.size());
  check_same_size(head.dv.size(), total.dv.size());
  for (size_t i = 0; i < head.dk.size(); ++i) total.dk[i] += head.dk[i];
  for (size_t i = 0; i < head.dv.size(); ++i) total.dv[i] += head.dv[i];
}

}  // namespace ulpscope
