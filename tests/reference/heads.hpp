// Heads for the tests of the reference: random ones, and the shapes that hurt real kernels.
#pragma once

#include "ulpscope/reference/wide_attention.hpp"

#include <random>
#include <vector>

namespace ulpscope::test {

struct Head {
  std::vector<double> q, k, v;
  int64_t rows, keys, dim_qk, dim_v;
  double scale;
  std::function<KeyRange(int64_t)> visible = {};
  ReferenceTerms terms = {};

  ReferenceHead view() const {
    return {q.data(), k.data(), v.data(), rows, keys, dim_qk, dim_v, scale, visible, terms};
  }
};

inline Head zero_head(int64_t rows, int64_t keys, int64_t dim_qk, int64_t dim_v) {
  const auto values = [](int64_t n, int64_t d) {
    return std::vector<double>(static_cast<size_t>(n * d));
  };
  return {values(rows, dim_qk),
          values(keys, dim_qk),
          values(keys, dim_v),
          rows,
          keys,
          dim_qk,
          dim_v,
          1.0};
}

// Values with eight significant bits, as bfloat16 has them.
inline double coarse(double x) { return static_cast<double>(static_cast<int64_t>(x * 128)) / 128; }

inline Head random_head(uint64_t seed, int64_t rows, int64_t keys, int64_t dim_qk, int64_t dim_v,
                        double spread = 1.0) {
  Head head = zero_head(rows, keys, dim_qk, dim_v);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (double& x : head.q) x = coarse(spread * normal(random));
  for (double& x : head.k) x = coarse(spread * normal(random));
  for (double& x : head.v) x = coarse(normal(random));
  head.scale = 0.125;
  return head;
}

// An attention sink: key 0 takes nearly all of every row, and V is mostly negative.
inline Head sink_head(uint64_t seed, int64_t rows, int64_t keys, int64_t dim) {
  Head head = random_head(seed, rows, keys, dim, dim);
  for (int64_t i = 0; i < rows; ++i) head.q[static_cast<size_t>(i * dim)] = 16;
  head.k[0] = 8;
  for (double& x : head.v) x = -std::abs(x) - 0.5;
  return head;
}

// The same head with scores that are capped, fall off by the distance and are added to.
inline Head with_terms(Head head, double cap, double slope, uint64_t bias_seed) {
  head.terms.cap = cap;
  head.terms.slope = slope;
  head.terms.diagonal = head.keys - head.rows;
  if (bias_seed == 0) return head;
  std::mt19937_64 random(bias_seed);
  std::normal_distribution<double> normal;
  std::vector<double> bias(static_cast<size_t>(head.rows * head.keys));
  for (double& x : bias) x = coarse(normal(random));
  head.terms.bias = [bias, keys = head.keys](int64_t row, int64_t key) {
    return bias[static_cast<size_t>(row * keys + key)];
  };
  return head;
}

}  // namespace ulpscope::test
