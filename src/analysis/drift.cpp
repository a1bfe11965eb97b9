#include "ulpscope/analysis/drift.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ulpscope {

namespace {

constexpr uint32_t sign_site = 1;

// Unit vectors, one a step, of normal numbers.
class Directions {
 public:
  Directions(std::vector<uint16_t> codes, int64_t size)
      : codes_(std::move(codes)), size_(static_cast<size_t>(size)) {}

  std::vector<double> operator[](size_t step) const {
    std::vector<double> vector(size_);
    CompensatedSum squares;
    for (size_t i = 0; i < size_; ++i) {
      vector[i] = double_value(bf16, uint64_t{codes_[step * size_ + i]});
      squares.add(vector[i] * vector[i]);
    }
    const double length = std::sqrt(squares.value());
    for (double& x : vector) x /= length;
    return vector;
  }

 private:
  std::vector<uint16_t> codes_;
  size_t size_;
};

Directions directions(uint64_t seed, size_t steps, int64_t size) {
  const LawShape shape{
      .heads = 1, .rows = static_cast<int64_t>(steps), .keys = 1, .dim = size, .format = bf16};
  return {draw({.kind = LawKind::normal, .seed = seed}, shape).q, size};
}

DriftCurve curve_of(std::vector<double> norm) {
  const double exponent = growth_exponent(norm);
  return {std::move(norm), exponent};
}

DriftCurve with_shared_direction(const std::vector<double>& cumulative, double alpha) {
  std::vector<double> norm;
  for (const double sum : cumulative) norm.push_back(alpha * std::abs(sum));
  return curve_of(std::move(norm));
}

DriftCurve with_random_directions(std::span<const double> coefficients, const DriftOptions& options,
                                  double alpha) {
  const auto rows = static_cast<size_t>(options.dim);
  const auto columns = static_cast<size_t>(options.width);
  const Directions left = directions(2 * options.seed, coefficients.size(), options.dim);
  const Directions right = directions(2 * options.seed + 1, coefficients.size(), options.width);
  std::vector<double> sum(rows * columns);
  std::vector<double> norm;
  for (size_t n = 0; n < coefficients.size(); ++n) {
    const auto u = left[n];
    const auto v = right[n];
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < columns; ++j) {
        sum[i * columns + j] += alpha * coefficients[n] * u[i] * v[j];
      }
    }
    norm.push_back(spectral_norm(sum, options.dim, options.width));
  }
  return curve_of(std::move(norm));
}

DriftCurve with_flipped_signs(std::span<const double> coefficients, const DriftOptions& options,
                              double alpha) {
  std::vector<double> squares(coefficients.size());
  for (int flip = 0; flip < options.flips; ++flip) {
    double sum = 0;
    for (size_t n = 0; n < coefficients.size(); ++n) {
      const uint64_t bits = random_bits({.seed = options.seed,
                                         .site = sign_site,
                                         .element = n,
                                         .step = static_cast<uint32_t>(flip)});
      sum += (bits & 1) != 0 ? coefficients[n] : -coefficients[n];
      squares[n] += sum * sum / options.flips;
    }
  }
  std::vector<double> norm;
  for (const double square : squares) norm.push_back(alpha * std::sqrt(square));
  return curve_of(std::move(norm));
}

}  // namespace

double growth_exponent(std::span<const double> y) {
  CompensatedSum count, sum_x, sum_y, sum_xx, sum_xy;
  for (size_t n = std::max<size_t>(y.size() / 10, 1); n <= y.size(); ++n) {
    if (!(y[n - 1] > 0)) continue;
    const double log_n = std::log(static_cast<double>(n));
    const double log_y = std::log(y[n - 1]);
    count.add(1);
    sum_x.add(log_n);
    sum_y.add(log_y);
    sum_xx.add(log_n * log_n);
    sum_xy.add(log_n * log_y);
  }
  const double spread = count.value() * sum_xx.value() - sum_x.value() * sum_x.value();
  if (count.value() < 2 || !(spread > 0)) return std::numeric_limits<double>::quiet_NaN();
  return (count.value() * sum_xy.value() - sum_x.value() * sum_y.value()) / spread;
}

double spectral_norm(std::span<const double> matrix, int64_t rows, int64_t columns) {
  const HostFpGuard guard;
  const auto m = static_cast<size_t>(rows);
  const auto n = static_cast<size_t>(columns);
  // A start that no matrix of interest is orthogonal to: entries without a pattern.
  std::vector<double> x(n);
  for (size_t j = 0; j < n; ++j) x[j] = 1 + std::fmod(static_cast<double>(j) * 0.618034, 1.0);
  std::vector<double> y(m);
  double norm = 0;
  constexpr int most_turns = 1000;
  constexpr double enough = 1e-12;
  for (int turn = 0; turn < most_turns; ++turn) {
    double length = 0;
    for (const double value : x) length += value * value;
    length = std::sqrt(length);
    if (!(length > 0)) return 0;
    for (double& value : x) value /= length;
    double squares = 0;
    for (size_t i = 0; i < m; ++i) {
      y[i] = 0;
      for (size_t j = 0; j < n; ++j) y[i] += matrix[i * n + j] * x[j];
      squares += y[i] * y[i];
    }
    const double before = norm;
    norm = std::sqrt(squares);
    if (norm - before <= enough * norm) break;
    std::fill(x.begin(), x.end(), 0.0);
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; ++j) x[j] += matrix[i * n + j] * y[i];
    }
  }
  return norm;
}

Drift drift_of(std::span<const double> coefficients, const DriftOptions& options) {
  const HostFpGuard guard;
  const double alpha = 1 / std::sqrt(static_cast<double>(options.dim));
  Drift drift;
  CompensatedSum sum, magnitude;
  for (const double c : coefficients) {
    sum.add(c);
    magnitude.add(std::abs(c));
    drift.cumulative.push_back(sum.value());
  }
  if (magnitude.value() > 0) drift.share = sum.value() / magnitude.value();
  drift.shared = with_shared_direction(drift.cumulative, alpha);
  drift.random = with_random_directions(coefficients, options, alpha);
  drift.flipped = with_flipped_signs(coefficients, options, alpha);
  return drift;
}

}  // namespace ulpscope
