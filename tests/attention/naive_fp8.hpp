// Attention with E4M3 operands as the essay of fp8_e4m3.hpp reads, one query row at a time on
// binary32 bits: the plain twin of that row.
//
// Limits: as NaiveKernel, but for E4M3; O is bfloat16.
#pragma once

#include "attention/naive_kernels.hpp"

namespace ulpscope::test {

class NaiveFp8 : public NaiveKernel {
 public:
  explicit NaiveFp8(const Problem& p) : NaiveKernel(p, 32) {
    using Binary64 = Soft<fp64>;
    const auto factor = [](Bits bits) { return Soft<fp32>::from_bits(bits); };
    const auto scale = factor(p.scale) * factor(p.descale.q) * factor(p.descale.k);
    scale_ = scale.bits();
    c_ = Soft<fp32>(Binary64(scale) * Binary64(1.4426950408889634)).bits();
  }

  NaiveOutput row(int64_t i) const {
    constexpr int64_t width = 128;
    Bits m = minus_infinity;
    std::vector<Bits> lane(4);
    auto o = zeros();
    for (int64_t first = (p_.keys - 1) / width * width; first >= 0; first -= width) {
      std::vector<Bits> s(width, minus_infinity);
      Bits raised = m;
      for (int64_t j = first; j < first + width; ++j) {
        if (!sees(i, j)) continue;
        Bits& x = s[static_cast<size_t>(j - first)];
        x = score(i, j);
        raised = fmaximum(raised, x);
      }
      if (raised == minus_infinity) continue;
      const Bits shift = negated(fmul(raised, c_));
      std::vector<Bits> p;
      for (const Bits x : s) p.push_back(ex2_approx(mufu_sm90, fadd(fmul(x, c_), shift)));
      const Bits r = ex2_approx(mufu_sm90, fmul(fadd(m, negated(raised)), c_));
      for (size_t j = 0; j < p.size(); ++j) {
        Bits& sum = lane[j / 2 % 4];
        sum = j < 8 && j % 2 == 0 ? ffma(sum, r, p[j]) : fadd(sum, p[j]);
      }
      for (int64_t d = 0; d < p_.dim; ++d) {
        Bits& x = o[static_cast<size_t>(d)];
        x = product(fmul(x, r), p, first, d);
      }
      m = raised;
    }
    const Bits l = fadd(fadd(lane[0], lane[2]), fadd(lane[1], lane[3]));
    const Soft<fp32> inverse = Soft<fp32>::from_bits(p_.descale.v) / Soft<fp32>::from_bits(l);
    NaiveOutput out{{}, 0x7F80'0000};
    for (const Bits x : o) out.o.push_back(l == 0 ? 0 : cvt_rn(bf16, fmul(x, inverse.bits())));
    if (l != 0) out.lse = ffma(m, scale_, fmul(lg2_approx(mufu_sm90, l), ln2));
    return out;
  }

 private:
  // Aligned to the bottom right.
  bool sees(int64_t i, int64_t j) const {
    const int64_t diagonal = i + p_.keys - p_.rows;
    const bool left = p_.mask.left == Mask::unbounded || diagonal - j <= p_.mask.left;
    const bool right = p_.mask.right == Mask::unbounded || j - diagonal <= p_.mask.right;
    return j < p_.keys && left && right;
  }

  Bits scale_;
  Bits c_;
};

}  // namespace ulpscope::test
