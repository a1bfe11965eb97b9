#include "ulpscope/analysis/sharpness.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope {

namespace {

bool is_absent(double logit) { return std::isinf(logit) && logit < 0; }

// The cross-entropy where every other logit is raised, and the target's lowered, by eps (|x| + 1).
double loss(std::span<const double> logits, size_t target, double eps) {
  const auto reach = [&](double x) { return eps * (std::abs(x) + 1); };
  const double base = logits[target] - reach(logits[target]);
  const auto distance = [&](size_t i) {
    return i == target ? 0 : logits[i] + reach(logits[i]) - base;
  };
  double largest = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!is_absent(logits[i])) largest = std::max(largest, distance(i));
  }
  CompensatedSum sum;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!is_absent(logits[i])) sum.add(wide_exp(distance(i) - largest));
  }
  return largest + wide_log(sum.value());
}

}  // namespace

std::optional<Sharpness> sharpness(std::span<const double> logits, size_t target, double eps) {
  const HostFpGuard guard;
  const auto usable = [](double x) { return std::isfinite(x) || is_absent(x); };
  if (!std::all_of(logits.begin(), logits.end(), usable) || is_absent(logits[target])) {
    return std::nullopt;
  }
  Sharpness s{.loss = loss(logits, target, 0), .raised = loss(logits, target, eps)};
  s.phi = 100 * (s.raised - s.loss) / (1 + s.loss);
  return s;
}

size_t largest_logit(std::span<const double> logits) {
  size_t best = 0;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
  }
  return best;
}

}  // namespace ulpscope
