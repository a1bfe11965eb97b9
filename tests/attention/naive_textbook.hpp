// The row `kernel` with every term of the score, forward and backward, as its formulas read: one
// query row, one key, one feature at a time over Soft; the plain twin of the tiled passes.
//
// It shares with them the numeric types and the chip's fused sums. A step is add_to<To> and its
// like with To the type of the site, so it knows nothing of casts, machines, spans or term steps.
//
//   NaiveTextbook<Soft<bf16>> twin(problem, Site::cap_tanh);   // that site rounds to bf16
//
// Limits: one batch, one head, bf16 inputs, head sizes that 8 divides, finite operands.
#pragma once

#include "ulpscope/arith/soft_functions.hpp"
#include "ulpscope/attention/problem.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/hardware/fused_sum.hpp"
#include "ulpscope/trace/site.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace ulpscope::test {

template <class Changed>
class NaiveTextbook {
 public:
  using Register = Soft<fp32>;
  using Registers = std::vector<Register>;

  struct Row {
    std::vector<uint32_t> o;  // codes
    Register lse;
  };

  explicit NaiveTextbook(const Problem& p, std::optional<Site> changed = std::nullopt)
      : p_(p), changed_(changed) {}

  Row row(int64_t i) {
    Register m = -infinity;
    Register l;
    Registers o(static_cast<size_t>(p_.dim));
    for (int64_t first = 0; first < p_.keys; first += tile) {
      const Register before = m;
      Registers s;
      for (int64_t j = first; j < first + tile; ++j) {
        s.push_back(visible(i, j) ? score(forward_sites, i, j).value : -infinity);
        if (s.back() > m) m = s.back();
      }
      const Register shift = m == -infinity ? Register{} : m;
      const Register r = exp(before - shift);
      Register sum;
      std::vector<uint32_t> p16;
      for (const Register x : s) {
        const Register p = exp(x - shift);
        sum = sum + p;
        p16.push_back(code(p));
      }
      l = fma(l, r, sum);
      for (int64_t d = 0; d < p_.dim; ++d) {
        Register& x = o[static_cast<size_t>(d)];
        x = chain(
            p16, [&](int64_t n) { return value_at(p_.v, p_.keys, first + n, d); }, x * r);
      }
    }
    const bool empty = l == Register{};
    Row result{{}, empty ? infinity : m + log(l)};
    for (const Register x : o) {
      result.o.push_back(code(x * (empty ? Register(1.0) : Register(1.0) / l)));
    }
    return result;
  }

  // Codes, row by row and key by key.
  struct Gradients {
    std::vector<uint32_t> dq, dk, dv;
  };

  Gradients gradients(std::span<const uint16_t> dout, const std::vector<Row>& rows) {
    const auto cells = static_cast<size_t>(p_.rows * p_.keys);
    std::vector<uint32_t> p16(cells), ds16(cells);
    for (int64_t i = 0; i < p_.rows; ++i) {
      const Row& forward = rows[static_cast<size_t>(i)];
      const auto out = [&](int64_t d) { return input(value_at(dout, p_.rows, i, d)); };
      Register delta;
      for (int64_t d = 0; d < p_.dim; ++d) {
        delta = delta + out(d) * input(forward.o[static_cast<size_t>(d)]);
      }
      for (int64_t j = 0; j < p_.keys; ++j) {
        if (!visible(i, j)) continue;
        const Score s = score(backward_sites, i, j);
        const Register p = exp(s.value - forward.lse);
        const Register dp = dot(dout, i, p_.v, j);
        Register ds = p * (dp - delta);
        if (p_.terms.cap != 0) {
          const Register slope = at(Site::cap_slope, [&]<class To>() {
            return fma_to<To>(-s.tanh, s.tanh, Register(1.0));
          });
          ds = at(Site::ds_cap, [&]<class To>() { return multiply_to<To>(ds, slope); });
        }
        p16[cell(i, j)] = code(p);
        ds16[cell(i, j)] = code(ds);
      }
    }
    return {by_row(ds16), by_key(ds16, p_.q, true), by_key(p16, dout, false)};
  }

 private:
  static constexpr int64_t tile = 128;
  static constexpr Register infinity = Register::from_bits(0x7F80'0000);

  struct Score {
    Register value, tanh;
  };
  struct Sites {
    Site argument, tanh, capped, alibi, biased;
  };
  static constexpr Sites forward_sites{Site::cap_argument, Site::cap_tanh, Site::capped_score,
                                       Site::alibi_score, Site::biased_score};
  static constexpr Sites backward_sites{Site::bwd_cap_argument, Site::bwd_cap_tanh,
                                        Site::bwd_capped_score, Site::bwd_alibi_score,
                                        Site::bwd_biased_score};

  template <class Step>
  Register at(Site site, Step&& step) const {
    if (changed_ == site) return Register(step.template operator()<Changed>().value);
    return step.template operator()<Register>().value;
  }

  // Aligned to the last key.
  int64_t diagonal(int64_t i) const { return i + p_.keys - p_.rows; }
  bool visible(int64_t i, int64_t j) const {
    if (j >= p_.keys) return false;
    const bool left = p_.mask.left == Mask::unbounded || diagonal(i) - j <= p_.mask.left;
    const bool right = p_.mask.right == Mask::unbounded || j - diagonal(i) <= p_.mask.right;
    return left && right;
  }

  Score score(const Sites& sites, int64_t i, int64_t j) const {
    Score s{dot(p_.q, i, p_.k, j) * Register::from_bits(p_.scale), {}};
    if (p_.terms.cap != 0) {
      const auto cap = Register::from_bits(p_.terms.cap);
      const Register y =
          at(sites.argument, [&]<class To>() { return divide_to<To>(s.value, cap); });
      s.tanh = at(sites.tanh, [&]<class To>() { return tanh_to<To>(y); });
      s.value = at(sites.capped, [&]<class To>() { return multiply_to<To>(cap, s.tanh); });
    }
    if (!p_.terms.slopes.empty()) {
      const auto distance = Register(static_cast<double>(std::abs(diagonal(i) - j)));
      const auto slope = Register::from_bits(p_.terms.slopes[0]);
      s.value = at(sites.alibi, [&]<class To>() { return fma_to<To>(-slope, distance, s.value); });
    }
    const ScoreBias& bias = p_.terms.bias;
    if (!bias.values.empty()) {
      const int64_t from_row = bias.sizes[2] == 1 ? 0 : i * bias.sizes[3];
      const int64_t from_key = bias.sizes[3] == 1 ? 0 : j;
      const auto b = Register::from_bits(bias.values[static_cast<size_t>(from_row + from_key)]);
      s.value = at(sites.biased, [&]<class To>() { return add_to<To>(s.value, b); });
    }
    return s;
  }

  size_t cell(int64_t i, int64_t j) const { return static_cast<size_t>(i * p_.keys + j); }
  static uint32_t code(Register x) { return Soft<bf16>(x).bits(); }
  static Register input(uint32_t bits) {
    return Register(Soft<bf16>::from_bits(static_cast<uint16_t>(bits)));
  }
  uint32_t value_at(std::span<const uint16_t> x, int64_t rows, int64_t i, int64_t d) const {
    return i < rows ? x[static_cast<size_t>(i * p_.dim + d)] : 0;
  }
  // c + sum_n a[n] b(n), by steps of the chip.
  template <class Other>
  Register chain(const std::vector<uint32_t>& a, Other&& b, Register c) const {
    std::vector<uint32_t> other;
    for (size_t n = 0; n < a.size(); ++n) other.push_back(b(static_cast<int64_t>(n)));
    return Register::from_bits(fused_chain(matrix_unit(chip_named("h200"), bf16).sum,
                                           Factors{bf16, bf16}, c.bits(), a.data(), other.data(),
                                           static_cast<int>(a.size())));
  }
  Register dot(std::span<const uint16_t> a, int64_t i, std::span<const uint16_t> b,
               int64_t j) const {
    std::vector<uint32_t> row;
    for (int64_t d = 0; d < p_.dim; ++d) row.push_back(a[static_cast<size_t>(i * p_.dim + d)]);
    return chain(row, [&](int64_t d) { return b[static_cast<size_t>(j * p_.dim + d)]; }, {});
  }

  std::vector<uint32_t> by_row(const std::vector<uint32_t>& ds) const {
    std::vector<uint32_t> dq;
    for (int64_t i = 0; i < p_.rows; ++i) {
      const auto from = ds.begin() + i * p_.keys;
      const std::vector<uint32_t> row(from, from + p_.keys);
      for (int64_t d = 0; d < p_.dim; ++d) {
        const auto k = [&](int64_t j) { return value_at(p_.k, p_.keys, j, d); };
        dq.push_back(code(chain(row, k, {}) * Register::from_bits(p_.scale)));
      }
    }
    return dq;
  }
  std::vector<uint32_t> by_key(const std::vector<uint32_t>& weights, std::span<const uint16_t> x,
                               bool scaled) const {
    std::vector<uint32_t> result;
    for (int64_t j = 0; j < p_.keys; ++j) {
      std::vector<uint32_t> column;
      for (int64_t i = 0; i < p_.rows; ++i) column.push_back(weights[cell(i, j)]);
      for (int64_t d = 0; d < p_.dim; ++d) {
        const Register sum =
            chain(column, [&](int64_t i) { return value_at(x, p_.rows, i, d); }, {});
        result.push_back(code(scaled ? sum * Register::from_bits(p_.scale) : sum));
      }
    }
    return result;
  }

  const Problem& p_;
  std::optional<Site> changed_;
};

}  // namespace ulpscope::test
