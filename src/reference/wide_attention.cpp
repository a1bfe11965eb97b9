// The row in binary64 and its error bound. Both walk the same two sums: over features for the
// scores, over keys for the output.
#include "ulpscope/reference/wide_attention.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "wide_scores.hpp"

namespace ulpscope {

std::function<KeyRange(int64_t)> causal_keys(int64_t keys, int64_t offset) {
  return [=](int64_t row) { return KeyRange{0, std::clamp<int64_t>(row + offset + 1, 0, keys)}; };
}

namespace {

KeyRange unmasked_keys(const ReferenceHead& head, int64_t row) {
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

}  // namespace

KeyRange visible_keys(const ReferenceHead& head, int64_t row) {
  const KeyRange range = unmasked_keys(head, row);
  if (!head.terms.bias) return range;
  const auto hidden = [&](int64_t key) {
    return head.terms.bias(row, key) < -std::numeric_limits<double>::max();
  };
  for (int64_t j = range.first; j < range.last; ++j) {
    if (!hidden(j)) return range;
  }
  return {range.first, range.first};
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

  const double* const v = head.v + out.keys.first * head.dim_v;
  double* const s = out.scores.data();   // [keys]
  double* const p = out.weights.data();  // [keys]

  wide::scores_of(head, row, out.keys, s);
  for (int64_t j = 0; j < keys; ++j) {
    if (s[j] > out.maximum) out.maximum = s[j];
  }
  for (int64_t j = 0; j < keys; ++j) p[j] = s[j] - out.maximum;
  wide_exp(p, p, keys);
  out.sum = wide::weighted_sum(p, v, keys, out.o, wide::itself);
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

  constexpr double u = wide::unit_roundoff;
  const double key_roundings = wide::block_roundings(keys);

  // charge[j]: the part of p_j that key j may be wrong by, in the numerator and in the sum.
  std::vector<double> charge(static_cast<size_t>(keys));
  double worst = 0;
  for (int64_t j = 0; j < keys; ++j) {
    const auto i = static_cast<size_t>(j);
    const double score_error = wide::score_error(head, row, answer.keys.first + j).value;
    const double exponent_error = u * std::min(answer.maximum - answer.scores[i], 800.0);
    const double weight_error = score_error + exponent_error + wide_exp_error;
    worst = std::max(worst, score_error);
    charge[i] = answer.weights[i] * (weight_error + key_roundings * u) + wide::underflow_floor;
  }
  if (!(worst < 0x1p-10)) {  // the exponential is no longer linear in the error of the score
    std::fill(bound.o.begin(), bound.o.end(), std::numeric_limits<double>::infinity());
    bound.lse = std::numeric_limits<double>::infinity();
    return;
  }
  const double* const v = head.v + answer.keys.first * head.dim_v;
  const double charges = wide::weighted_sum(charge.data(), v, keys, bound.o, wide::absolute);
  for (size_t f = 0; f < bound.o.size(); ++f) {
    const double o = std::abs(answer.o[f]);
    bound.o[f] = wide::second_order * ((bound.o[f] + o * charges) / answer.sum + u * o);
  }
  bound.lse = wide::second_order * (charges / answer.sum + wide_log_error +
                                    u * std::abs(wide_log(answer.sum)) + u * std::abs(answer.lse));
}

}  // namespace ulpscope
