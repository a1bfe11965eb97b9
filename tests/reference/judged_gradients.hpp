// Gradients in 480-bit arithmetic by another road than the references take: no maximum, no pivot,
// delta from dO and O, keys in descending order, everything held at once.
#pragma once

#include "ulpscope/reference/exact_attention.hpp"
#include "ulpscope/reference/wide_gradients.hpp"

#include <random>
#include <vector>

#include "reference/heads.hpp"
#include <boost/multiprecision/cpp_bin_float.hpp>

namespace ulpscope::test {

using Judge = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<480, boost::multiprecision::digit_base_2>,
    boost::multiprecision::et_off>;

// A head with the gradient of its output.
struct Backward {
  Head head;
  std::vector<double> dout;
};

inline Backward with_dout(Head head, uint64_t seed, double spread = 1.0) {
  std::vector<double> dout(static_cast<size_t>(head.rows * head.dim_v));
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (double& x : dout) x = spread * coarse(normal(random));
  return {std::move(head), std::move(dout)};
}

struct Judged {
  std::vector<Judge> o, delta, dq, dk, dv;
};

inline Judge judged_dot(const Judge* a, const Judge* b, int64_t n) {
  Judge sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// q, k, v and dO as Judges, so that finite differences can move them.
struct Operands {
  std::vector<Judge> q, k, v, dout;

  explicit Operands(const Backward& x)
      : q(x.head.q.begin(), x.head.q.end()),
        k(x.head.k.begin(), x.head.k.end()),
        v(x.head.v.begin(), x.head.v.end()),
        dout(x.dout.begin(), x.dout.end()) {}
};

// The score of a pair, and by how much the derivative of the softmax counts for the product.
struct JudgedScore {
  Judge value;
  Judge slope = 1;
};

inline JudgedScore judged_score(const Head& head, const Operands& x, int64_t row, int64_t key) {
  const ReferenceTerms& terms = head.terms;
  JudgedScore s{Judge(head.scale) * judged_dot(&x.q[static_cast<size_t>(row * head.dim_qk)],
                                               &x.k[static_cast<size_t>(key * head.dim_qk)],
                                               head.dim_qk)};
  if (terms.cap > 0) {
    const Judge cap = terms.cap;
    const Judge up = exp(Judge(s.value / cap));
    const Judge down = exp(Judge(-s.value / cap));
    const Judge tanh = (up - down) / (up + down);
    s = {cap * tanh, 1 - tanh * tanh};
  }
  s.value -= Judge(terms.slope) * Judge(std::abs(row + terms.diagonal - key));
  if (terms.bias) s.value += Judge(terms.bias(row, key));
  return s;
}

// The weights of a row's visible keys, from the first one.
inline std::vector<Judge> judged_weights(const Head& head, const Operands& x, int64_t row) {
  const KeyRange keys = visible_keys(head.view(), row);
  std::vector<Judge> p(static_cast<size_t>(keys.last - keys.first));
  Judge sum = 0;
  for (int64_t j = keys.last - 1; j >= keys.first; --j) {
    Judge& weight = p[static_cast<size_t>(j - keys.first)];
    weight = exp(judged_score(head, x, row, j).value);
    sum += weight;
  }
  for (Judge& weight : p) weight /= sum;
  return p;
}

inline Judged judged_gradients(const Backward& x) {
  const Head& head = x.head;
  const Operands in(x);
  const auto dim_qk = static_cast<size_t>(head.dim_qk);
  const auto dim_v = static_cast<size_t>(head.dim_v);
  Judged out{std::vector<Judge>(x.dout.size()), std::vector<Judge>(static_cast<size_t>(head.rows)),
             std::vector<Judge>(in.q.size()), std::vector<Judge>(in.k.size()),
             std::vector<Judge>(in.v.size())};
  for (int64_t row = 0; row < head.rows; ++row) {
    const auto i = static_cast<size_t>(row);
    const auto first = static_cast<size_t>(visible_keys(head.view(), row).first);
    const std::vector<Judge> p = judged_weights(head, in, row);
    for (size_t n = p.size(); n-- > 0;) {
      for (size_t f = 0; f < dim_v; ++f) {
        out.o[i * dim_v + f] += p[n] * in.v[(first + n) * dim_v + f];
        out.dv[(first + n) * dim_v + f] += p[n] * in.dout[i * dim_v + f];
      }
    }
    for (size_t f = 0; f < dim_v; ++f) {
      out.delta[i] += in.dout[i * dim_v + f] * out.o[i * dim_v + f];
    }
    for (size_t n = p.size(); n-- > 0;) {
      const size_t j = first + n;
      const Judge dp = judged_dot(&in.dout[i * dim_v], &in.v[j * dim_v], head.dim_v);
      const Judge slope = judged_score(head, in, row, static_cast<int64_t>(j)).slope;
      const Judge ds = Judge(head.scale) * p[n] * (dp - out.delta[i]) * slope;
      for (size_t f = 0; f < dim_qk; ++f) {
        out.dq[i * dim_qk + f] += ds * in.k[j * dim_qk + f];
        out.dk[j * dim_qk + f] += ds * in.q[i * dim_qk + f];
      }
    }
  }
  return out;
}

inline double distance(double hi, double lo, const Judge& y) {
  return Judge(abs(Judge(hi) + Judge(lo) - y)).convert_to<double>();
}

}  // namespace ulpscope::test
