// The attention row with wide binary floats, as plainly as it can be written.
#include "ulpscope/reference/exact_attention.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <cmath>
#include <limits>

#include "exact_scores.hpp"

namespace ulpscope {

void exact_attention_row(const ReferenceHead& head, int64_t row, ExactRow& out) {
  const HostFpGuard guard;
  const KeyRange keys = visible_keys(head, row);
  const auto dim = static_cast<size_t>(head.dim_v);
  out.o.assign(dim, {});
  out.o_error.assign(dim, 0.0);
  out.lse = {std::numeric_limits<double>::infinity(), 0.0};
  out.lse_error = 0;
  if (keys.first == keys.last) return;

  const std::vector<Float160> q = exact::widened(head.q + row * head.dim_qk, head.dim_qk);
  std::vector<Float160> s;
  for (int64_t j = keys.first; j < keys.last; ++j) {
    s.push_back(exact::score_of(head, q, row, j).value);
  }
  Float160 m = s.front();
  for (const Float160& x : s) {
    if (x > m) m = x;
  }
  Float160 sum = 0;
  std::vector<Float160> o(dim);
  std::vector<double> magnitude(dim);  // sum p|v|, not below it
  for (int64_t j = keys.first; j < keys.last; ++j) {
    const Float160 p = exp(s[static_cast<size_t>(j - keys.first)] - m);
    const double p_above = exact::not_below(p);
    const double* const v = head.v + j * head.dim_v;
    sum += p;
    for (size_t f = 0; f < dim; ++f) {
      o[f] += p * Float160(v[f]);
      magnitude[f] += p_above * std::abs(v[f]);
    }
  }
  for (size_t f = 0; f < dim; ++f) {
    out.o[f] = exact::two_doubles(o[f] / sum);
    out.o_error[f] = exact::claimed_error * (magnitude[f] / sum.convert_to<double>());
  }
  out.lse = exact::two_doubles(m + log(sum));
  out.lse_error = exact::claimed_error * (1 + std::abs(out.lse.hi));
}

}  // namespace ulpscope
