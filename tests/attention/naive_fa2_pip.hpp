// FlashAttention-2's forward as a fast-math build computes it, one query row at a time on binary32
// bits: the plain twin of the row fa2-pip, split keys included.
//
// Tile sizes, orders, constants and flushing are spelled out a second time. It shares with the pass
// the functions of the chip (fused sums, MUFU) and nothing of recipes, plans, walks and steps.
//
// Limits: as NaiveKernel; the number of parts comes from the caller.
#pragma once

#include "attention/naive_kernels.hpp"

namespace ulpscope::test {

class NaiveFa2Pip : public NaiveKernel {
 public:
  explicit NaiveFa2Pip(const Problem& p) : NaiveKernel(p, 16), c_(times_log2_e(p.scale)) {}

  struct Row {
    std::vector<Bits> o;  // before it is rounded to 16 bits
    Bits lse;
  };

  Row row(int64_t i, int64_t parts) const {
    const bool split = parts > 1;
    const int64_t height = split || p_.dim > 192 ? 64 : 128;
    const int64_t width = split ? (p_.dim <= 64    ? 256
                                   : p_.dim <= 128 ? 128
                                                   : 64)
                                : (p_.dim <= 64 ? 128 : 64);
    const int64_t top = i / height * height;
    const int64_t end = (end_of(top + height - 1) + width - 1) / width;
    const int64_t begin = std::min(begin_of(top) / width, end);
    return split ? combined(i, width, end, parts) : part(i, width, begin, end);
  }

 private:
  static constexpr Bits infinity = 0x7F80'0000;

  // Instructions with .ftz.
  static Bits add(Bits x, Bits y) { return ftz(fadd(ftz(x), ftz(y))); }
  static Bits mul(Bits x, Bits y) { return ftz(fmul(ftz(x), ftz(y))); }
  static Bits fma(Bits x, Bits y, Bits z) { return ftz(ffma(ftz(x), ftz(y), ftz(z))); }
  static Bits ex2(Bits x) { return mufu_ex2(mufu_sm90, x); }
  static Bits lg2(Bits x) { return mufu_lg2(mufu_sm90, x); }
  static Bits zero_if_nothing(Bits m) { return m == minus_infinity ? 0 : m; }
  static bool usable(Bits sum) { return sum << 1 != 0 && !detail::is_nan32(sum); }
  static Bits times_log2_e(Bits scale) {
    const Soft<fp64> wide(Soft<fp32>::from_bits(scale));
    return Soft<fp32>(wide * Soft<fp64>(1.4426950408889634)).bits();
  }

  // Row i sees the keys [begin_of, end_of), aligned to the bottom right.
  int64_t begin_of(int64_t i) const {
    if (p_.mask.left == Mask::unbounded) return 0;
    return std::clamp<int64_t>(i + p_.keys - p_.rows - p_.mask.left, 0, p_.keys);
  }
  int64_t end_of(int64_t i) const {
    if (p_.mask.right == Mask::unbounded) return p_.keys;
    return std::clamp<int64_t>(i + p_.keys - p_.rows + p_.mask.right + 1, 0, p_.keys);
  }

  // Key tiles [begin, end), the last one first.
  Row part(int64_t i, int64_t width, int64_t begin, int64_t end) const {
    Bits m = minus_infinity;
    std::vector<Bits> lane(4);
    auto o = zeros();
    for (int64_t tile = end - 1; tile >= begin; --tile) {
      const int64_t first = tile * width;
      std::vector<Bits> s(static_cast<size_t>(width), minus_infinity);
      Bits raised = m;
      for (int64_t j = first; j < first + width; ++j) {
        if (j < begin_of(i) || j >= end_of(i)) continue;
        Bits& x = s[static_cast<size_t>(j - first)];
        x = score(i, j);
        raised = fmaximum(raised, x);
      }
      const Bits shift = mul(zero_if_nothing(raised), c_);
      std::vector<Bits> p;
      for (const Bits x : s) p.push_back(ex2(fma(x, c_, negated(shift))));
      if (tile == end - 1) {
        lane = lanes(p, 0, p.size(), [](Bits a, Bits b) { return add(a, b); });
      } else {
        const Bits to = p_.mask == no_mask ? raised : zero_if_nothing(raised);
        const Bits r = ex2(mul(add(m, negated(to)), c_));
        for (Bits& x : o) x = mul(x, r);
        for (size_t j = 0; j < p.size(); ++j) {
          Bits& sum = lane[j / 2 % 4];
          sum = j < 8 && j % 2 == 0 ? fma(sum, r, p[j]) : add(sum, p[j]);
        }
      }
      m = raised;
      for (int64_t d = 0; d < p_.dim; ++d) {
        Bits& x = o[static_cast<size_t>(d)];
        x = product(x, p, first, d);
      }
    }
    const Bits l = add(add(lane[0], lane[2]), add(lane[1], lane[3]));
    const Bits inverse = usable(l) ? mufu_rcp(mufu_sm90, l) : one;
    for (Bits& x : o) x = mul(x, inverse);
    return {o, usable(l) ? fma(m, p_.scale, mul(lg2(l), ln2)) : infinity};
  }

  Row combined(int64_t i, int64_t width, int64_t end, int64_t count) const {
    const int64_t length = ((p_.keys + width - 1) / width + count - 1) / count;
    std::vector<Row> parts;
    Bits largest = minus_infinity;
    for (int64_t n = 0; n < count; ++n) {
      Row one_part{zeros(), minus_infinity};
      const int64_t stop = std::min((n + 1) * length, end);
      if (n * length < stop) one_part = part(i, width, n * length, stop);
      if (one_part.lse == infinity) one_part.lse = minus_infinity;
      largest = fmaximum(largest, one_part.lse);
      parts.push_back(std::move(one_part));
    }
    largest = zero_if_nothing(largest);
    const auto weight = [](Bits lse, Bits by) { return ex2(mul(add(lse, negated(by)), log2_e)); };

    const size_t rows = p_.dim > 96 ? 4 : p_.dim > 64 ? 16 : p_.dim > 32 ? 8 : 16;
    std::vector<Bits> sums(1);
    while (sums.size() < parts.size() && sums.size() < 128 / rows) sums.resize(2 * sums.size());
    for (size_t n = 0; n < parts.size(); ++n) {
      Bits& sum = sums[n % sums.size()];
      const Bits term = weight(parts[n].lse, largest);
      sum = n < sums.size() ? term : add(sum, term);
    }
    while (sums.size() > 1) {
      const size_t half = sums.size() / 2;
      for (size_t t = 0; t < half; ++t) sums[t] = add(sums[t], sums[t + half]);
      sums.resize(half);
    }
    const Bits lse = usable(sums[0]) ? fma(lg2(sums[0]), ln2, largest) : infinity;
    Row joint{zeros(), lse};
    for (const Row& one_part : parts) {
      const Bits w = weight(one_part.lse, lse);
      for (size_t d = 0; d < joint.o.size(); ++d) joint.o[d] = fma(w, one_part.o[d], joint.o[d]);
    }
    return joint;
  }

  Bits c_;
};

}  // namespace ulpscope::test
