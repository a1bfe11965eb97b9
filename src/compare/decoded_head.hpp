// One head of a problem in binary64, as the reference takes it.
#pragma once

#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/reference/wide_gradients.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace ulpscope {

inline double to_double(uint32_t register_bits) {
  return static_cast<double>(bit_cast<float>(register_bits));
}

inline std::vector<double> decoded(const Format& format, std::span<const uint16_t> codes) {
  std::vector<double> values(codes.size());
  std::transform(codes.begin(), codes.end(), values.begin(),
                 [&](uint16_t code) { return to_double(detail::widened(format, code)); });
  return values;
}

// The terms of a head's scores; the registers must outlive them.
inline ReferenceTerms reference_terms(const HeadTerms& terms) {
  ReferenceTerms result{
      .cap = to_double(terms.cap), .slope = to_double(terms.slope), .diagonal = terms.diagonal};
  if (terms.bias != nullptr) {
    result.bias = [terms](int64_t row, int64_t key) { return to_double(terms.bias_of(row, key)); };
  }
  return result;
}

inline Alignment alignment_of(const Plan& plan) { return plan.recipe->alignment; }
inline Alignment alignment_of(const BackwardPlan& plan) { return plan.plan->recipe->alignment; }

// One head's operands in binary64, and the view of them that the reference takes.
class DecodedHead {
 public:
  // A Plan or BackwardPlan: what has a problem and knows which keys a row sees.
  template <class AnyPlan>
  DecodedHead(const AnyPlan& plan, int64_t batch, int64_t head) {
    const Problem& p = plan.problem;
    const auto q_size = static_cast<size_t>(p.rows * p.dim);
    const auto kv_size = static_cast<size_t>(p.keys * p.dim);
    const int64_t kv_head = head / (p.heads / p.kv_heads);
    q_ = decoded(p.format,
                 p.q.subspan(static_cast<size_t>(batch * p.heads + head) * q_size, q_size));
    const auto kv_at = static_cast<size_t>(batch * p.kv_heads + kv_head) * kv_size;
    k_ = decoded(p.format, p.k.subspan(kv_at, kv_size));
    v_ = decoded(p.format, p.v.subspan(kv_at, kv_size));
    // Exact: significands of at most 24 + 24 bits.
    for (double& x : v_) x *= to_double(p.descale.v);
    view_ = {.q = q_.data(),
             .k = k_.data(),
             .v = v_.data(),
             .rows = p.rows,
             .keys = p.keys,
             .dim_qk = p.dim,
             .dim_v = p.dim,
             .scale = to_double(p.scale),
             .terms = reference_terms(head_terms(p, alignment_of(plan), batch, head))};
    if (p.mask != no_mask) {
      view_.visible = [&plan](int64_t row) {
        const SeenKeys seen = plan.seen(row);
        return KeyRange{seen.first, seen.end};
      };
    }
  }
  const ReferenceHead& view() const { return view_; }

 private:
  std::vector<double> q_;
  std::vector<double> k_;
  std::vector<double> v_;
  ReferenceHead view_{};
};

// The same with the gradient of its output; `outer` is batch * heads + head.
class DecodedGradientHead {
 public:
  DecodedGradientHead(const BackwardPlan& plan, std::span<const uint16_t> dout, int64_t outer)
      : head_(plan, outer / plan.problem.heads, outer % plan.problem.heads) {
    const auto size = static_cast<size_t>(plan.problem.rows * plan.problem.dim);
    dout_ = decoded(plan.problem.format, dout.subspan(static_cast<size_t>(outer) * size, size));
  }
  GradientHead view() const { return {.head = head_.view(), .dout = dout_.data()}; }

 private:
  DecodedHead head_;
  std::vector<double> dout_;
};

}  // namespace ulpscope
