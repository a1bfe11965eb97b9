#include "ulpscope/analysis/rope.hpp"

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_circle.hpp"
#include "ulpscope/reference/wide_exp.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace ulpscope {

namespace {

constexpr Format binary64{.exponent_bits = 11, .trailing_bits = 52, .bias = 1023};

double rounded(const Format& format, double x) {
  if (format == fp32) return static_cast<double>(static_cast<float>(x));
  const auto exact = decode<uint64_t>(binary64, bit_cast<uint64_t>(x));
  const Stored stored = detail::store(format, exact, nearest_even);
  return static_cast<double>(bit_cast<float>(stored.value));
}

// Both are exact or rounded once in binary64 before the format's rounding: products of two binary32
// numbers have 48 bits, and a sum of two is exact in binary64 unless their exponents are 29 apart,
// where the smaller one is far below half an ulp of the format, too far to make or break a tie of
// numbers that the format holds.
double product(const Format& format, double x, double y) { return rounded(format, x * y); }
double sum(const Format& format, double x, double y) { return rounded(format, x + y); }

}  // namespace

const RopeRecipe& rope_recipe_named(std::string_view name) {
  std::string known;
  for (const auto& row : rope_recipes) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorKind::usage,
              "unknown rope recipe '" + std::string(name) + "': expected " + known);
}

Rope::Rope(const RopeRecipe& recipe, int64_t dim, double base) : recipe_(recipe) {
  if (dim < 2 || dim % 2 != 0) {
    throw Error(ErrorKind::usage,
                "rope with head size " + std::to_string(dim) + ": expected an even number");
  }
  if (!(base > 1) || !std::isfinite(base)) {
    throw Error(ErrorKind::usage,
                "rope with base " + std::to_string(base) + ": expected a number above 1");
  }
  const HostFpGuard guard;
  for (int64_t i = 0; i < dim / 2; ++i) {
    const double exponent = rounded(fp32, static_cast<double>(2 * i) / static_cast<double>(dim));
    const double power = rounded(fp32, wide_exp(exponent * wide_log(base)));
    frequencies_.push_back(rounded(fp32, 1 / power));
  }
}

void Rope::rotate(std::span<const double> x, int64_t position, std::span<double> to) const {
  const HostFpGuard guard;
  const Format& f = recipe_.arithmetic;
  const size_t half = frequencies_.size();
  for (size_t i = 0; i < half; ++i) {
    const double angle = product(fp32, static_cast<double>(position), frequencies_[i]);
    const SineCosine turn = wide_circle(angle);
    // A library hands out binary32; what is cast further is cast from there.
    const double cosine = rounded(recipe_.table, rounded(fp32, turn.cosine));
    const double sine = rounded(recipe_.table, rounded(fp32, turn.sine));
    const double a = x[i];
    const double b = x[i + half];
    to[i] = rounded(recipe_.result, sum(f, product(f, a, cosine), product(f, -b, sine)));
    to[i + half] = rounded(recipe_.result, sum(f, product(f, b, cosine), product(f, a, sine)));
  }
}

LogitShift logit_shift(const Rope& rope, std::span<const double> q, std::span<const double> key,
                       int64_t first, int64_t second) {
  const HostFpGuard guard;
  const size_t dim = key.size();
  const auto rows = static_cast<int64_t>(q.size() / dim);
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  std::vector<double> row(dim);
  std::vector<double> key_first(dim);
  std::vector<double> key_second(dim);
  rope.rotate(key, first, key_first);
  rope.rotate(key, second, key_second);
  const auto score = [&](int64_t i, int64_t shift, const std::vector<double>& turned) {
    rope.rotate(q.subspan(static_cast<size_t>(i) * dim, dim), i + shift, row);
    CompensatedSum total;
    for (size_t d = 0; d < dim; ++d) total.add(row[d] * turned[d]);
    return scale * total.value();
  };
  CompensatedSum signed_sum, absolute_sum;
  for (int64_t i = 0; i < rows; ++i) {
    const double difference = score(i, first, key_first) - score(i, second, key_second);
    signed_sum.add(difference);
    absolute_sum.add(std::abs(difference));
  }
  return {signed_sum.value() / static_cast<double>(rows),
          absolute_sum.value() / static_cast<double>(rows)};
}

namespace {

std::vector<double> rotated_rows(const Rope& rope, std::span<const double> x, size_t dim,
                                 int64_t shift) {
  std::vector<double> result(x.size());
  for (size_t row = 0; row < x.size() / dim; ++row) {
    rope.rotate(x.subspan(row * dim, dim), static_cast<int64_t>(row) + shift,
                std::span(result).subspan(row * dim, dim));
  }
  return result;
}

// Row `row` of the causal softmax of q.k, rotated.
void attention_row(std::span<const double> q, std::span<const double> k, size_t dim, size_t row,
                   std::vector<double>& p) {
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  p.resize(row + 1);
  double maximum = 0;
  for (size_t j = 0; j <= row; ++j) {
    double sum = 0;
    for (size_t d = 0; d < dim; ++d) sum += q[row * dim + d] * k[j * dim + d];
    p[j] = scale * sum;
    maximum = j == 0 ? p[j] : std::max(maximum, p[j]);
  }
  CompensatedSum total;
  for (double& x : p) {
    x = wide_exp(x - maximum);
    total.add(x);
  }
  for (double& x : p) x /= total.value();
}

}  // namespace

AttentionShift attention_shift(const Rope& rope, std::span<const double> q,
                               std::span<const double> k, int64_t dim, int64_t first,
                               int64_t second) {
  const HostFpGuard guard;
  const auto size = static_cast<size_t>(dim);
  const size_t rows = q.size() / size;
  const auto q_first = rotated_rows(rope, q, size, first);
  const auto k_first = rotated_rows(rope, k, size, first);
  const auto q_second = rotated_rows(rope, q, size, second);
  const auto k_second = rotated_rows(rope, k, size, second);
  CompensatedSum signed_sum, absolute_sum, first_key;
  std::vector<double> p_first, p_second;
  for (size_t row = 0; row < rows; ++row) {
    attention_row(q_first, k_first, size, row, p_first);
    attention_row(q_second, k_second, size, row, p_second);
    for (size_t key = 0; key <= row; ++key) {
      const double seen_by = static_cast<double>(rows - key);  // rows
      const double difference = (p_first[key] - p_second[key]) / seen_by;
      signed_sum.add(difference);
      absolute_sum.add(std::abs(difference));
      if (key == 0) first_key.add(std::abs(difference));
    }
  }
  return {signed_sum.value(), absolute_sum.value(), first_key.value()};
}

}  // namespace ulpscope
