#include "ulpscope/analysis/row_monitor.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/reference/wide_exp.hpp"
#include "ulpscope/round/array.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ulpscope {

namespace {

// -infinity hides a key; NaN and +infinity leave no softmax.
bool have_softmax(std::span<const double> scores) {
  const auto is_score = [](double s) { return s < std::numeric_limits<double>::infinity(); };
  return std::all_of(scores.begin(), scores.end(), is_score) &&
         std::any_of(scores.begin(), scores.end(), [](double s) { return std::isfinite(s); });
}

bool is_power_of_two(double x) {
  constexpr uint64_t trailing = (uint64_t{1} << 52) - 1;
  return x > 0 && (bit_cast<uint64_t>(x) & trailing) == 0;
}

// Rounded weights that are powers of two.
int64_t count_powers(std::span<const double> weights, const Format& format) {
  std::vector<double> rounded(weights.size());
  round_values(weights, format, nearest_even, std::span(rounded));
  return std::count_if(rounded.begin(), rounded.end(), is_power_of_two);
}

}  // namespace

RiskWindow risk_window(const Format& output, int64_t maxima) {
  const auto n = static_cast<double>(maxima);
  return {n * 0x1p-24, n * std::ldexp(0.1, -output.trailing_bits)};
}

RowMonitor monitor_row(std::span<const double> scores, std::span<const uint32_t> selectors,
                       int64_t first_key, const MonitorOptions& options,
                       std::span<double> weights) {
  RowMonitor row{.seen = static_cast<int64_t>(scores.size())};
  if (!have_softmax(scores)) return row;

  const auto largest = std::max_element(scores.begin(), scores.end());
  row.maximum = *largest;
  const uint32_t selected = selectors[static_cast<size_t>(largest - scores.begin())];
  for (size_t j = 0; j < scores.size(); ++j) {
    if (std::isfinite(scores[j])) row.magnitude = std::max(row.magnitude, std::abs(scores[j]));
    row.near += scores[j] >= row.maximum - options.tolerance;
    weights[j] = scores[j] - row.maximum;
  }
  wide_exp(weights.data(), weights.data(), row.seen);

  CompensatedSum sum, residual, sinks, shifted;
  for (size_t j = 0; j < scores.size(); ++j) {
    const bool is_maximum = selectors[j] == selected;
    row.equal += is_maximum;
    sum.add(weights[j]);
    if (weights[j] > 0) shifted.add(weights[j] * (scores[j] - row.maximum));
    if (!is_maximum) residual.add(weights[j]);
    if (first_key + static_cast<int64_t>(j) < options.sinks) sinks.add(weights[j]);
  }
  row.residual = residual.value();
  row.sink = sinks.value() / sum.value();
  // - sum (p/l) ln (p/l), and ln (p/l) = s - max - ln l
  row.entropy = wide_log(sum.value()) - shifted.value() / sum.value();
  row.powers = count_powers(weights.first(scores.size()), options.probability);
  const RiskWindow window = risk_window(options.output, row.equal);
  row.at_risk = row.equal >= 2 && row.residual > window.least && row.residual < window.most;
  return row;
}

}  // namespace ulpscope
