// The forward passes of the memory-efficient, cuDNN and FlexAttention kernels as their formulas
// read, one query row at a time on binary32 bits: plain twins of the tiled pass.
//
// Each kernel is one function from S to (O, LSE), with its tile sizes, orders and constants spelled
// out; masks are asked pair by pair. They share with the pass the functions of the chip (fused
// sums, ex2, lg2, rcp, the library's logarithms) and nothing of recipes, plans, walks and steps.
//
// Limits: one batch, one head, bf16 or fp16 on an H200, finite operands.
#pragma once

#include "ulpscope/attention/problem.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/hardware/library_functions.hpp"
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <algorithm>
#include <vector>

namespace ulpscope::test {

struct NaiveOutput {
  std::vector<uint16_t> o;
  uint32_t lse;
};

class NaiveKernel {
 public:
  NaiveKernel(const Problem& p, int terms)
      : p_(p), sum_(matrix_unit(chip_named("h200"), p.format).sum) {
    sum_.terms = terms;
  }

 protected:
  using Bits = uint32_t;
  static constexpr Bits minus_infinity = 0xFF80'0000;
  static constexpr Bits log2_e = 0x3FB8'AA3B;
  static constexpr Bits ln2 = 0x3F31'7218;
  static constexpr Bits one = 0x3F80'0000;

  static Bits negated(Bits x) { return x ^ 0x8000'0000; }
  static Bits ftz(Bits x) { return detail::flushed32(x); }

  // Aligned to the top left.
  bool visible(int64_t i, int64_t j) const {
    if (j >= p_.keys || i >= p_.rows) return false;
    const bool left = p_.mask.left == Mask::unbounded || i - j <= p_.mask.left;
    const bool right = p_.mask.right == Mask::unbounded || j - i <= p_.mask.right;
    return left && right;
  }
  Bits score(int64_t i, int64_t j) const {
    return fused_chain(sum_, Factors{p_.format, p_.format}, 0, &p_.q[at(i, 0)], &p_.k[at(j, 0)],
                       static_cast<int>(p_.dim));
  }
  // Of every row and key.
  Bits full_bias(int64_t i, int64_t j) const {
    return p_.terms.bias.values[static_cast<size_t>(i * p_.keys + j)];
  }
  // c + the sum over a tile of p[j] V[first + j, d], p rounded to the input's format.
  Bits product(Bits c, const std::vector<Bits>& p, int64_t first, int64_t d) const {
    std::vector<uint16_t> a;
    std::vector<uint16_t> b;
    for (size_t j = 0; j < p.size(); ++j) {
      const int64_t key = first + static_cast<int64_t>(j);
      a.push_back(cvt_rn(p_.format, p[j]));
      b.push_back(key < p_.keys ? p_.v[at(key, d)] : uint16_t{0});
    }
    return fused_chain(sum_, Factors{p_.format, p_.format}, c, a.data(), b.data(),
                       static_cast<int>(a.size()));
  }
  size_t at(int64_t row, int64_t d) const { return static_cast<size_t>(row * p_.dim + d); }
  std::vector<Bits> zeros() const { return std::vector<Bits>(static_cast<size_t>(p_.dim)); }

  // Sums of the columns 8g + 2t and 8g + 2t + 1 of p[from, from + count), one after the other.
  template <class Add>
  static std::vector<Bits> lanes(const std::vector<Bits>& p, size_t from, size_t count, Add add) {
    std::vector<Bits> t(4);
    for (size_t j = 0; j < count; ++j) {
      Bits& lane = t[j / 2 % 4];
      lane = j < 8 && j % 2 == 0 ? p[from + j] : add(lane, p[from + j]);
    }
    return t;
  }

  const Problem& p_;
  FusedSum sum_;
};

class NaiveMemeff : public NaiveKernel {
 public:
  explicit NaiveMemeff(const Problem& p) : NaiveKernel(p, 8) {}

  NaiveOutput row(int64_t i) const {
    const int64_t block = p_.dim <= 128 ? 64 : 32;
    const int64_t width = p_.dim <= 64 ? 64 : 128;
    const bool causal = p_.mask == causal_mask;
    const int64_t keys = causal ? std::min(i / block * block + block, p_.keys) : p_.keys;
    Bits m = minus_infinity;
    Bits l = 0;
    auto acc = zeros();
    for (int64_t first = 0; first < keys; first += width) {
      const Bits before = m;
      std::vector<Bits> s(static_cast<size_t>(width), minus_infinity);
      for (int64_t j = first; j < std::min(first + width, keys); ++j) {
        if (!visible(i, j)) continue;
        Bits& x = s[static_cast<size_t>(j - first)];
        x = fmul(p_.scale, score(i, j));
        if (!p_.terms.bias.values.empty()) x = fadd(x, full_bias(i, j));
        x = fmul(log2_e, x);
        m = fmaximum(m, x);
      }
      Bits rho = one;
      if (before != m) {
        rho = ex2_approx(mufu_sm90, fadd(before, negated(m)));
        l = fmul(l, rho);
      }
      for (Bits& x : s) x = ex2_approx(mufu_sm90, fadd(x, negated(m)));
      for (size_t g = 0; g < s.size(); g += 32) {
        const auto t = lanes(s, g, 32, [](Bits a, Bits b) { return fadd(a, b); });
        l = fadd(l, fadd(fadd(t[0], t[1]), fadd(t[2], t[3])));
      }
      const bool is_first = first == 0;
      const bool is_last = first + width >= keys;
      for (int64_t d = 0; d < p_.dim; ++d) {
        Bits& x = acc[static_cast<size_t>(d)];
        if (p_.dim <= 128) {
          x = product(is_first ? x : fmul(x, rho), s, first, d);
          if (is_last) x = fmul(reciprocal(l), x);
          continue;
        }
        const Bits a = product(0, s, first, d);
        const Bits scale = is_last ? reciprocal(l) : one;
        if (is_first) {
          x = fmul(scale, a);
        } else if (is_last) {
          x = ffma(scale, a, fmul(fmul(scale, rho), x));
        } else {
          x = ffma(rho, x, a);
        }
      }
    }
    NaiveOutput out{{}, fadd(quotient(m, log2_e), library_logf(l))};
    for (const Bits x : acc) out.o.push_back(cvt_rn(p_.format, x));
    return out;
  }

 private:
  static Bits quotient(Bits x, Bits y) {
    return (Soft<fp32>::from_bits(x) / Soft<fp32>::from_bits(y)).bits();
  }
};

class NaiveCudnn : public NaiveKernel {
 public:
  explicit NaiveCudnn(const Problem& p) : NaiveKernel(p, 16) {}

  // `parts` counts for a single row; the number is the caller's.
  NaiveOutput row(int64_t i, int64_t parts) const {
    std::vector<Part> all;
    for (int64_t n = 0; n < parts; ++n) all.push_back(part(i, n, parts));
    Part joint = all[0];
    if (parts > 1) {
      joint = {minus_infinity, 0, zeros()};
      for (const Part& x : all) joint.m = fmaximum(joint.m, x.m);
      for (const Part& x : all) {
        const Bits w = mufu_ex2(mufu_sm90, fadd(x.m, negated(joint.m)));
        joint.l = ffma(w, x.l, joint.l);
        for (size_t d = 0; d < x.o.size(); ++d) joint.o[d] = ffma(w, x.o[d], joint.o[d]);
      }
    }
    const Bits lg2 = mufu_lg2(mufu_sm90, joint.l);
    NaiveOutput out{{},
                    p_.rows == 1 ? ffma(lg2, ln2, ftz(fmul(joint.m, ln2)))
                                 : ffma(joint.m, ln2, ftz(fmul(lg2, ln2)))};
    for (const Bits x : joint.o) {
      out.o.push_back(cvt_rn(p_.format, ftz(fmul(ftz(x), mufu_rcp(mufu_sm90, joint.l)))));
    }
    return out;
  }

 private:
  struct Part {
    Bits m;
    Bits l;
    std::vector<Bits> o;
  };

  Bits scaled(Bits s) const {
    if (p_.rows == 1) return ftz(fmul(ftz(fmul(s, p_.scale)), log2_e));
    return ftz(fmul(s, fmul(p_.scale, log2_e)));
  }

  Part part(int64_t i, int64_t n, int64_t parts) const {
    const bool few = p_.keys <= 128 || (p_.keys <= 256 && p_.launch.batch * p_.launch.heads <= 132);
    const int64_t width = p_.rows == 1 && few ? 64 : 128;
    const bool causal = p_.mask == causal_mask;
    const int64_t end = causal ? std::min((i / 128 + 1) * 128, p_.keys) : p_.keys;
    Part state{minus_infinity, 0, zeros()};
    std::vector<Bits> l;
    for (int64_t first = n * width; first < end; first += parts * width) {
      std::vector<Bits> s(static_cast<size_t>(width), minus_infinity);
      Bits raised = state.m;
      for (int64_t j = first; j < first + width; ++j) {
        if (!visible(i, j)) continue;
        Bits& x = s[static_cast<size_t>(j - first)];
        x = scaled(ftz(score(i, j)));
        raised = fmaximum(raised, x);
      }
      for (Bits& x : s) x = mufu_ex2(mufu_sm90, fadd(x, negated(raised)));
      const auto t = lanes(s, 0, width, [](Bits a, Bits b) { return fadd(a, b); });
      if (l.empty()) {
        l = t;
      } else {
        const Bits alpha = mufu_ex2(mufu_sm90, fadd(state.m, negated(raised)));
        for (size_t k = 0; k < 4; ++k) l[k] = ffma(l[k], alpha, t[k]);
        for (Bits& x : state.o) x = ftz(fmul(ftz(x), alpha));
      }
      state.m = raised;
      for (int64_t d = 0; d < p_.dim; ++d) {
        Bits& x = state.o[static_cast<size_t>(d)];
        x = product(x, s, first, d);
      }
    }
    state.l = fadd(fadd(l[0], l[1]), fadd(l[2], l[3]));
    return state;
  }
};

class NaiveFlex : public NaiveKernel {
 public:
  explicit NaiveFlex(const Problem& p) : NaiveKernel(p, 16) {}

  NaiveOutput row(int64_t i) const {
    const int64_t width = p_.dim == 64 ? 128 : p_.dim == 256 ? 32 : 64;
    const bool divides = p_.rows % 128 == 0 && p_.keys % 128 == 0;
    State state{minus_infinity, 0, zeros()};
    for (const bool full : {false, true}) {
      for (int64_t block = 0; block < p_.keys; block += 128) {
        const int64_t pairs = visible_pairs(i / 128 * 128, block);
        const bool unmasked = p_.mask == no_mask;
        if (pairs == 0 || (unmasked ? full : (pairs == 128 * 128) != full)) continue;
        for (int64_t first = block; first < std::min(block + 128, p_.keys); first += width) {
          visit(i, first, width, divides && (unmasked || full), state);
        }
      }
    }
    const Bits l = is_zero(fp32, state.l) ? one : state.l;
    NaiveOutput out{{}, fmul(fadd(state.m, library_log2f(l)), ln2)};
    for (const Bits x : state.o) {
      out.o.push_back(cvt_rn(p_.format, fmul(x, rcp_approx(mufu_sm90, l))));
    }
    return out;
  }

 private:
  struct State {
    Bits m;
    Bits l;
    std::vector<Bits> o;
  };

  int64_t visible_pairs(int64_t first_row, int64_t first_key) const {
    int64_t count = 0;
    for (int64_t i = first_row; i < first_row + 128; ++i) {
      for (int64_t j = first_key; j < first_key + 128; ++j) count += visible(i, j) ? 1 : 0;
    }
    return count;
  }

  void visit(int64_t i, int64_t first, int64_t width, bool fused, State& state) const {
    std::vector<Bits> r(static_cast<size_t>(width), minus_infinity);
    Bits raised = state.m;
    for (int64_t j = first; j < first + width; ++j) {
      if (!visible(i, j)) continue;
      Bits& x = r[static_cast<size_t>(j - first)];
      x = fmul(score(i, j), p_.scale);
      raised = fmaximum(raised, fmul(x, log2_e));
    }
    const Bits minus_m = raised == minus_infinity ? 0 : negated(raised);
    const Bits alpha = mufu_ex2(mufu_sm90, fadd(state.m, minus_m));
    for (Bits& x : r) {
      x = mufu_ex2(mufu_sm90, fused ? ffma(x, log2_e, minus_m) : fadd(fmul(x, log2_e), minus_m));
    }
    const auto t =
        lanes(r, 0, static_cast<size_t>(width), [](Bits a, Bits b) { return fadd(a, b); });
    state.l = ffma(state.l, alpha, fadd(fadd(t[0], t[2]), fadd(t[1], t[3])));
    for (int64_t d = 0; d < p_.dim; ++d) {
      Bits& x = state.o[static_cast<size_t>(d)];
      x = product(fmul(x, alpha), r, first, d);
    }
    state.m = raised;
  }
};

}  // namespace ulpscope::test
