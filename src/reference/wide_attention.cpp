// The row in binary64 and its error bound. Both walk the same two sums: over features for the
// scores, over keys for the output.
#include "ulpscope/reference/wide_attention.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace ulpscope {

namespace {

constexpr int64_t lanes = 8;
constexpr int64_t block_keys = 64;
constexpr double unit_roundoff = 0x1p-53;

double joined(const std::array<double, lanes>& x) {
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

// sum_k term(k) in eight lanes.
template <class Term>
inline double lane_sum(int64_t n, Term term) {
  std::array<double, lanes> lane{};
  int64_t k = 0;
  for (; k + lanes <= n; k += lanes) {
    for (int64_t l = 0; l < lanes; ++l) lane[static_cast<size_t>(l)] += term(k + l);
  }
  for (int64_t l = 0; k + l < n; ++l) lane[static_cast<size_t>(l)] += term(k + l);
  return joined(lane);
}

double dot(const double* a, const double* b, int64_t n) {
  return lane_sum(n, [=](int64_t k) { return a[k] * b[k]; });
}

double absolute_dot(const double* a, const double* b, int64_t n) {
  return lane_sum(n, [=](int64_t k) { return std::abs(a[k] * b[k]); });
}

// total[f] = sum_j weights[j] term(v[j, f]) in blocks of keys; returns sum_j weights[j].
// Four keys share a pass over the block's sums; each is still added by itself, in order.
template <class Term>
double weighted_sum(const double* weights, const double* v, int64_t keys,
                    std::vector<double>& total, Term term) {
  const auto dim = static_cast<int64_t>(total.size());
  std::vector<double> block(total.size());
  std::fill(total.begin(), total.end(), 0.0);
  double weight_total = 0;
  for (int64_t first = 0; first < keys; first += block_keys) {
    const int64_t last = std::min(first + block_keys, keys);
    double* const sum = block.data();
    double weight_sum = 0;
    std::fill(block.begin(), block.end(), 0.0);
    int64_t j = first;
    for (; j + 4 <= last; j += 4) {
      const double* const w = weights + j;
      const double* const v0 = v + j * dim;
      const double* const v1 = v0 + dim;
      const double* const v2 = v1 + dim;
      const double* const v3 = v2 + dim;
      for (int64_t f = 0; f < dim; ++f) {
        sum[f] = (((sum[f] + w[0] * term(v0[f])) + w[1] * term(v1[f])) + w[2] * term(v2[f])) +
                 w[3] * term(v3[f]);
      }
      weight_sum = (((weight_sum + w[0]) + w[1]) + w[2]) + w[3];
    }
    for (; j < last; ++j) {
      for (int64_t f = 0; f < dim; ++f) sum[f] += weights[j] * term(v[j * dim + f]);
      weight_sum += weights[j];
    }
    for (int64_t f = 0; f < dim; ++f) total[static_cast<size_t>(f)] += sum[f];
    weight_total += weight_sum;
  }
  return weight_total;
}

}  // namespace

std::function<KeyRange(int64_t)> causal_keys(int64_t keys, int64_t offset) {
  return [=](int64_t row) { return KeyRange{0, std::clamp<int64_t>(row + offset + 1, 0, keys)}; };
}

KeyRange visible_keys(const ReferenceHead& head, int64_t row) {
  if (!head.visible) return {0, head.keys};
  const KeyRange range = head.visible(row);
  if (range.first < 0 || range.first > range.last || range.last > head.keys) {
    const auto text = [](int64_t n) { return std::to_string(n); };
    throw Error(ErrorKind::usage, "mask: row " + text(row) + " sees keys [" + text(range.first) +
                                      ", " + text(range.last) + "), expected a range within [0, " +
                                      text(head.keys) + ")");
  }
  return range;
}

void wide_attention_row(const ReferenceHead& head, int64_t row, WideRow& out) {
  const HostFpGuard guard;
  out.keys = visible_keys(head, row);
  const int64_t keys = out.keys.last - out.keys.first;
  out.scores.resize(static_cast<size_t>(keys));
  out.weights.resize(static_cast<size_t>(keys));
  out.o.assign(static_cast<size_t>(head.dim_v), 0.0);
  out.maximum = -std::numeric_limits<double>::infinity();
  out.sum = 0;
  out.lse = std::numeric_limits<double>::infinity();
  if (keys == 0) return;

  const double* const q = head.q + row * head.dim_qk;
  const double* const k = head.k + out.keys.first * head.dim_qk;
  const double* const v = head.v + out.keys.first * head.dim_v;
  double* const s = out.scores.data();   // [keys]
  double* const p = out.weights.data();  // [keys]

  for (int64_t j = 0; j < keys; ++j) {
    s[j] = head.scale * dot(q, k + j * head.dim_qk, head.dim_qk);
    if (s[j] > out.maximum) out.maximum = s[j];
  }
  for (int64_t j = 0; j < keys; ++j) p[j] = s[j] - out.maximum;
  wide_exp(p, p, keys);
  out.sum = weighted_sum(p, v, keys, out.o, [](double x) { return x; });
  for (double& o : out.o) o = o / out.sum;
  out.lse = out.maximum + wide_log(out.sum);
}

// The numbers below are those of docs/numerics/wide_reference.md, section "Attention".
void wide_error_bound(const ReferenceHead& head, int64_t row, const WideRow& answer,
                      WideBound& bound) {
  const HostFpGuard guard;
  bound.o.assign(static_cast<size_t>(head.dim_v), 0.0);
  bound.lse = 0;
  const int64_t keys = answer.keys.last - answer.keys.first;
  if (keys == 0) return;

  constexpr double u = unit_roundoff;
  constexpr double underflow_floor = 0x1p-500;  // above every underflow error, relative to |v|
  constexpr double second_order = 1.01;
  const double score_roundings = static_cast<double>((head.dim_qk + lanes - 1) / lanes + 4);
  const double key_roundings =
      static_cast<double>(1 + block_keys + (keys + block_keys - 1) / block_keys);
  const double* const q = head.q + row * head.dim_qk;

  // charge[j]: the part of p_j that key j may be wrong by, in the numerator and in the sum.
  std::vector<double> charge(static_cast<size_t>(keys));
  double worst = 0;
  for (int64_t j = 0; j < keys; ++j) {
    const auto i = static_cast<size_t>(j);
    const double* const k = head.k + (answer.keys.first + j) * head.dim_qk;
    const double magnitude = std::abs(head.scale) * absolute_dot(q, k, head.dim_qk);
    const double score_error = score_roundings * u * magnitude;
    const double exponent_error = u * std::min(answer.maximum - answer.scores[i], 800.0);
    const double weight_error = score_error + exponent_error + wide_exp_error;
    worst = std::max(worst, score_error);
    charge[i] = answer.weights[i] * (weight_error + key_roundings * u) + underflow_floor;
  }
  if (!(worst < 0x1p-10)) {  // the exponential is no longer linear in the error of the score
    std::fill(bound.o.begin(), bound.o.end(), std::numeric_limits<double>::infinity());
    bound.lse = std::numeric_limits<double>::infinity();
    return;
  }
  const double* const v = head.v + answer.keys.first * head.dim_v;
  const double charges =
      weighted_sum(charge.data(), v, keys, bound.o, [](double x) { return std::abs(x); });
  for (size_t f = 0; f < bound.o.size(); ++f) {
    const double o = std::abs(answer.o[f]);
    bound.o[f] = second_order * ((bound.o[f] + o * charges) / answer.sum + u * o);
  }
  bound.lse = second_order * (charges / answer.sum + wide_log_error +
                              u * std::abs(wide_log(answer.sum)) + u * std::abs(answer.lse));
}

}  // namespace ulpscope
