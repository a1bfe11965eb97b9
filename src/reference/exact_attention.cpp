// The attention row with wide binary floats, as plainly as it can be written.
#include "ulpscope/reference/exact_attention.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <cmath>
#include <limits>

#include <boost/multiprecision/cpp_bin_float.hpp>

namespace ulpscope {

namespace {

namespace mp = boost::multiprecision;
using Wide = mp::number<mp::cpp_bin_float<160, mp::digit_base_2>, mp::et_off>;

constexpr double claimed_error = 0x1p-90;
// For sum p|v| in double: above every rounding and, relative to |v|, every underflow of p.
constexpr double rounding_allowance = 1.0001;
constexpr double underflow_floor = 0x1p-500;

TwoDoubles two_doubles(const Wide& x) {
  const auto hi = x.convert_to<double>();
  if (!std::isfinite(hi)) return {hi, 0.0};
  return {hi, Wide(x - Wide(hi)).convert_to<double>()};
}

std::vector<Wide> widened(const double* x, int64_t n) { return {x, x + n}; }

}  // namespace

void exact_attention_row(const ReferenceHead& head, int64_t row, ExactRow& out) {
  const HostFpGuard guard;
  const KeyRange keys = visible_keys(head, row);
  const auto dim = static_cast<size_t>(head.dim_v);
  out.o.assign(dim, {});
  out.o_error.assign(dim, 0.0);
  out.lse = {std::numeric_limits<double>::infinity(), 0.0};
  out.lse_error = 0;
  if (keys.first == keys.last) return;

  const std::vector<Wide> q = widened(head.q + row * head.dim_qk, head.dim_qk);
  std::vector<Wide> s;
  for (int64_t j = keys.first; j < keys.last; ++j) {
    const std::vector<Wide> k = widened(head.k + j * head.dim_qk, head.dim_qk);
    Wide dot = 0;
    for (size_t i = 0; i < k.size(); ++i) dot += q[i] * k[i];
    s.push_back(dot * Wide(head.scale));
  }
  Wide m = s.front();
  for (const Wide& x : s) {
    if (x > m) m = x;
  }
  Wide sum = 0;
  std::vector<Wide> o(dim);
  std::vector<double> magnitude(dim);  // sum p|v|, not below it
  for (int64_t j = keys.first; j < keys.last; ++j) {
    const Wide p = exp(s[static_cast<size_t>(j - keys.first)] - m);
    const double p_above = p.convert_to<double>() * rounding_allowance + underflow_floor;
    const double* const v = head.v + j * head.dim_v;
    sum += p;
    for (size_t f = 0; f < dim; ++f) {
      o[f] += p * Wide(v[f]);
      magnitude[f] += p_above * std::abs(v[f]);
    }
  }
  for (size_t f = 0; f < dim; ++f) {
    out.o[f] = two_doubles(o[f] / sum);
    out.o_error[f] = claimed_error * (magnitude[f] / sum.convert_to<double>());
  }
  out.lse = two_doubles(m + log(sum));
  out.lse_error = claimed_error * (1 + std::abs(out.lse.hi));
}

}  // namespace ulpscope
