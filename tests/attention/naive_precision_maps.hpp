// The precision maps of papers as their formulas read, over Soft, a row and a tile at a time: plain
// twins of the rows paper-pv, paper-o and all-bf16. They share the numeric types and the chip's
// fused sums with the pass, and none of its recipes, plans and steps.
//
// Limits: one batch, one head, bf16 inputs; gradients of one tile, so 128 rows and keys at most.
#pragma once

#include "ulpscope/arith/dot.hpp"
#include "ulpscope/arith/soft_functions.hpp"
#include "ulpscope/attention/problem.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/hardware/fused_sum.hpp"

#include <vector>

namespace ulpscope::test {

class NaiveMap {
 public:
  using Register = Soft<fp32>;
  using Half = Soft<bf16>;
  using Registers = std::vector<Register>;

  enum class Rounds { product, output, everything };

  struct Row {
    std::vector<uint64_t> o;  // codes of binary32 where the product alone is rounded, else of bf16
    Registers stored;         // the same as numbers
    Register lse;
  };
  struct Gradients {
    Registers dq, dk, dv;
  };

  NaiveMap(const Problem& p, Rounds rounds, int64_t tile) : p_(p), rounds_(rounds), tile_(tile) {}

  Row row(int64_t i) const {
    Register m = -infinity;
    Register l;
    Registers o(static_cast<size_t>(p_.dim));
    for (int64_t first = 0; first < seen(i); first += tile_) {
      const int64_t end = std::min(first + tile_, seen(i));
      Registers s;
      Register raised = m;
      for (int64_t j = first; j < end; ++j) {
        s.push_back(score(i, j));
        if (s.back() > raised) raised = s.back();
      }
      const Register r = stored(exp(stored(m - raised)));
      Register sum;
      Registers p;
      for (const Register x : s) {
        p.push_back(stored(exp(stored(x - raised))));
        sum = p.size() == 1 ? p[0] : sum + p.back();
      }
      l = m == -infinity ? stored(sum)
                         : (rounds_ == Rounds::everything ? stored(l * r + sum) : fma(l, r, sum));
      for (size_t d = 0; d < o.size(); ++d) {
        Registers column;
        for (int64_t j = first; j < end; ++j) column.push_back(number(p_.v, j, d));
        o[d] = stored(stored(o[d] * r) + product(p, column));
      }
      m = raised;
    }
    Row result;
    for (const Register x : o) {
      switch (rounds_) {
        case Rounds::product: result.stored.push_back(Register(Half(x)) / l); break;
        case Rounds::output: result.stored.push_back(Register(Half(x / l))); break;
        case Rounds::everything: result.stored.push_back(Register(Half(x / l))); break;
      }
      const Register last = result.stored.back();
      result.o.push_back(rounds_ == Rounds::product ? last.bits() : Half(last).bits());
    }
    result.lse = m + log(l);
    return result;
  }

  Gradients gradients(std::span<const uint16_t> dout, const std::vector<Row>& rows) const {
    const Register scale = Register::from_bits(p_.scale);
    std::vector<Registers> p, ds;  // by row
    for (int64_t i = 0; i < p_.rows; ++i) {
      const Row& forward = rows[static_cast<size_t>(i)];
      Register delta;
      for (int64_t d = 0; d < p_.dim; ++d) {
        const Register term = number(dout, i, d) * forward.stored[static_cast<size_t>(d)];
        delta = d == 0 ? term : delta + term;
      }
      p.emplace_back();
      ds.emplace_back();
      for (int64_t j = 0; j < p_.keys; ++j) {
        const bool hidden = j >= seen(i);
        p.back().push_back(hidden ? Register{} : exp(score(i, j) - forward.lse));
        ds.back().push_back(
            hidden ? Register{} : p.back().back() * (dot_of(line(dout, i), line(p_.v, j)) - delta));
      }
    }
    Gradients result;
    for (int64_t i = 0; i < p_.rows; ++i) {
      for (int64_t d = 0; d < p_.dim; ++d) {
        result.dq.push_back(dot_of(ds[static_cast<size_t>(i)], column(p_.k, p_.keys, d)) * scale);
      }
    }
    for (int64_t j = 0; j < p_.keys; ++j) {
      Registers p_column, ds_column;
      for (int64_t i = 0; i < p_.rows; ++i) {
        p_column.push_back(p[static_cast<size_t>(i)][static_cast<size_t>(j)]);
        ds_column.push_back(ds[static_cast<size_t>(i)][static_cast<size_t>(j)]);
      }
      for (int64_t d = 0; d < p_.dim; ++d) {
        result.dv.push_back(dot_of(p_column, column(dout, p_.rows, d)));
        result.dk.push_back(dot_of(ds_column, column(p_.q, p_.rows, d)) * scale);
      }
    }
    return result;
  }

 private:
  static constexpr Register infinity = Register::from_bits(0x7F80'0000);

  Register stored(Register x) const {
    return rounds_ == Rounds::everything ? Register(Half(x)) : x;
  }
  // Keys that a row sees; a causal mask is aligned to the last key.
  int64_t seen(int64_t i) const {
    return p_.mask == causal_mask ? std::max<int64_t>(0, i + 1 + p_.keys - p_.rows) : p_.keys;
  }
  Register number(std::span<const uint16_t> x, int64_t row, size_t d) const {
    return number(x, row, static_cast<int64_t>(d));
  }
  Register number(std::span<const uint16_t> x, int64_t row, int64_t d) const {
    return Register(Half::from_bits(x[static_cast<size_t>(row * p_.dim + d)]));
  }
  Registers line(std::span<const uint16_t> x, int64_t row) const {
    Registers numbers;
    for (int64_t d = 0; d < p_.dim; ++d) numbers.push_back(number(x, row, d));
    return numbers;
  }
  Registers column(std::span<const uint16_t> x, int64_t rows, int64_t d) const {
    Registers numbers;
    for (int64_t row = 0; row < rows; ++row) numbers.push_back(number(x, row, d));
    return numbers;
  }
  // The exact sum, rounded to binary32.
  static Register dot_of(const Registers& a, const Registers& b) {
    return dot_to<Register>(a.data(), b.data(), a.size()).value;
  }
  // A product of the pass: exact, or the chip's chain stored in bf16.
  Register product(const Registers& a, const Registers& b) const {
    if (rounds_ != Rounds::everything) return dot_of(a, b);
    std::vector<uint16_t> x, y;
    for (const Register n : a) x.push_back(static_cast<uint16_t>(Half(n).bits()));
    for (const Register n : b) y.push_back(static_cast<uint16_t>(Half(n).bits()));
    const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
    return stored(Register::from_bits(
        fused_chain(sum, {bf16, bf16}, 0, x.data(), y.data(), static_cast<int>(x.size()))));
  }
  Register score(int64_t i, int64_t j) const {
    return stored(product(line(p_.q, i), line(p_.k, j)) * Register::from_bits(p_.scale));
  }

  const Problem& p_;
  Rounds rounds_;
  int64_t tile_;
};

}  // namespace ulpscope::test
