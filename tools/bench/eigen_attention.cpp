// The one file of the benchmarks that is compiled for the machine at hand (CMakeLists.txt): Eigen
// picks its registers when compiling.
#include "eigen_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Core>

namespace ulpscope::bench {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;
using Output = Eigen::Map<Matrix>;

constexpr int64_t block = 64;

// Scores of the rows from `first` on with the keys that the last of them sees; -infinity where
// another does not see them.
Matrix scores(const View& q, const View& k, int64_t first, int64_t count) {
  Matrix s = q.middleRows(first, count) * k.topRows(first + count).transpose();
  s *= 1.0F / std::sqrt(static_cast<float>(q.cols()));
  for (int64_t r = 0; r < count; ++r) {
    s.row(r).tail(count - r - 1).setConstant(-std::numeric_limits<float>::infinity());
  }
  return s;
}

}  // namespace

void eigen_forward(const FloatHead& head, float* o, float* lse) {
  const View q(head.q, head.length, head.dim);
  const View k(head.k, head.length, head.dim);
  const View v(head.v, head.length, head.dim);
  Output to(o, head.length, head.dim);
  Eigen::Map<Eigen::VectorXf> to_lse(lse, head.length);
  for (int64_t first = 0; first < head.length; first += block) {
    const int64_t count = std::min(block, head.length - first);
    Matrix p = scores(q, k, first, count);
    const Eigen::VectorXf largest = p.rowwise().maxCoeff();
    p = (p.colwise() - largest).array().exp();
    const Eigen::VectorXf sums = p.rowwise().sum();
    to.middleRows(first, count).noalias() = p * v.topRows(first + count);
    to.middleRows(first, count).array().colwise() /= sums.array();
    to_lse.segment(first, count) = largest.array() + sums.array().log();
  }
}

void eigen_backward(const FloatHead& head, const FloatOutputs& outputs, const FloatGradients& to) {
  const View q(head.q, head.length, head.dim);
  const View k(head.k, head.length, head.dim);
  const View v(head.v, head.length, head.dim);
  const View dout(outputs.dout, head.length, head.dim);
  const View o(outputs.o, head.length, head.dim);
  const Eigen::Map<const Eigen::VectorXf> lse(outputs.lse, head.length);
  Output dq(to.dq, head.length, head.dim);
  Output dk(to.dk, head.length, head.dim);
  Output dv(to.dv, head.length, head.dim);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head.dim));
  dk.setZero();
  dv.setZero();
  const Eigen::VectorXf delta = (dout.array() * o.array()).rowwise().sum();
  for (int64_t first = 0; first < head.length; first += block) {
    const int64_t count = std::min(block, head.length - first);
    const int64_t keys = first + count;
    Matrix p = scores(q, k, first, count);
    p = (p.colwise() - lse.segment(first, count)).array().exp();
    dv.topRows(keys).noalias() += p.transpose() * dout.middleRows(first, count);
    Matrix ds = dout.middleRows(first, count) * v.topRows(keys).transpose();
    ds = p.array() * (ds.colwise() - delta.segment(first, count)).array() * scale;
    dq.middleRows(first, count).noalias() = ds * k.topRows(keys);
    dk.topRows(keys).noalias() += ds.transpose() * q.middleRows(first, count);
  }
}

}  // namespace ulpscope::bench
