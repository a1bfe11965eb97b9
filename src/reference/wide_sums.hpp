// The sums of the wide references, each in one fixed shape, whatever the machine.
//
// Over features: eight lanes, lane l taking the features k = l mod 8 in ascending order, joined as
// ((0+4)+(2+6)) + ((1+5)+(3+7)). Over keys or rows: blocks of 64, each summed in ascending order
// from zero and then added to the total.
//
// docs/numerics/wide_reference.md counts roundings by these shapes.
// Tested by tests/reference/wide_attention_test.cpp and wide_gradients_test.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "wide_loops.hpp"

namespace ulpscope::wide {

inline constexpr int64_t lanes = 8;
inline constexpr int64_t block_terms = 64;
inline constexpr double unit_roundoff = 0x1p-53;

// Above every underflow error of a weight and of its product with an input.
inline constexpr double underflow_floor = 0x1p-500;
// The factor of a bound that pays for all that is not of first order.
inline constexpr double second_order = 1.01;

inline double joined(const std::array<double, lanes>& x) {
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

inline double dot(const double* a, const double* b, int64_t n) {
  return lane_sum(n, [=](int64_t k) { return a[k] * b[k]; });
}

inline double absolute_dot(const double* a, const double* b, int64_t n) {
  return lane_sum(n, [=](int64_t k) { return std::abs(a[k] * b[k]); });
}

// Roundings that a product of a dot product passes: its own, its lane's, three where lanes join.
inline double dot_roundings(int64_t n) { return static_cast<double>((n + lanes - 1) / lanes + 3); }

// The same for a sum over n keys or rows.
inline double block_roundings(int64_t n) {
  return static_cast<double>(1 + block_terms + (n + block_terms - 1) / block_terms);
}

// Terms of the sums below; function objects, so that they are inlined.
inline constexpr auto itself = [](double x) { return x; };
inline constexpr auto absolute = [](double x) { return std::abs(x); };

// sum[f] += weights[i] term(row(i)[f]) for i < n in ascending order. Four rows share a pass over
// the sums; each is still added by itself.
template <class Row, class Term>
inline void add_weighted(std::vector<double>& sums, const double* weights, int64_t n, Row row,
                         Term term) {
  const auto dim = static_cast<int64_t>(sums.size());
  double* const sum = sums.data();
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const double* const w = weights + i;
    if constexpr (std::is_same_v<Term, std::remove_const_t<decltype(itself)>>) {
      add_four(sum, dim, w, {row(i), row(i + 1), row(i + 2), row(i + 3)});
      continue;
    }
    const double* const r0 = row(i);
    const double* const r1 = row(i + 1);
    const double* const r2 = row(i + 2);
    const double* const r3 = row(i + 3);
    for (int64_t f = 0; f < dim; ++f) {
      sum[f] = (((sum[f] + w[0] * term(r0[f])) + w[1] * term(r1[f])) + w[2] * term(r2[f])) +
               w[3] * term(r3[f]);
    }
  }
  for (; i < n; ++i) {
    const double* const r = row(i);
    for (int64_t f = 0; f < dim; ++f) sum[f] += weights[i] * term(r[f]);
  }
}

// total[f] = sum_i weights[i] term(values[i, f]) over n rows, in blocks; returns sum_i weights[i].
template <class Term>
double weighted_sum(const double* weights, const double* values, int64_t n,
                    std::vector<double>& total, Term term) {
  const auto dim = static_cast<int64_t>(total.size());
  std::vector<double> block(total.size());
  std::fill(total.begin(), total.end(), 0.0);
  double weight_total = 0;
  for (int64_t first = 0; first < n; first += block_terms) {
    const int64_t count = std::min(block_terms, n - first);
    const double* const w = weights + first;
    const double* const x = values + first * dim;
    std::fill(block.begin(), block.end(), 0.0);
    add_weighted(
        block, w, count, [=](int64_t i) { return x + i * dim; }, term);
    double weight_sum = 0;
    for (int64_t i = 0; i < count; ++i) weight_sum += w[i];
    for (size_t f = 0; f < total.size(); ++f) total[f] += block[f];
    weight_total += weight_sum;
  }
  return weight_total;
}

}  // namespace ulpscope::wide
