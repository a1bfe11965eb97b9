// P again, from S and the log-sum-exp of the forward pass: one query row and one key tile.
//
// The backward pass keeps no P: it computes S = Q.K^T once more and takes the row's statistic off
// in the exponent, so that P comes out normalised. Kernels differ in the base, in what is fused
// and in what is flushed; each form is one function here. P of the backward is not that of the
// forward: a row of it need not add up to 1.
//
// Registers are binary32 bits; the scores of hidden keys are left out by the caller.
// Tested through the pass: tests/attention/backward_test.cpp and tests/captured.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/exact_powers.hpp"
#include "ulpscope/attention/row_steps.hpp"
#include "ulpscope/attention/score_steps.hpp"
#include "ulpscope/hardware/ex2_row.hpp"
#include "ulpscope/hardware/library_functions.hpp"

namespace ulpscope {

// `count` scores of a row, from key `first` on.
struct ScoreSpan {
  int64_t row;
  int64_t first;
  int64_t count;
  uint32_t* scores;
};

namespace detail {

template <class Sink>
void scale_scores(const Machine<Sink>& machine, Site site, const ScoreSpan& s, uint32_t factor) {
  machine.at(site, [&](auto step) {
    multiply_elements(step, {s.row, s.first, s.count}, s.scores, factor, s.scores);
  });
}

template <class Sink>
void shift_scores(const Machine<Sink>& machine, const ScoreSpan& s, uint32_t by) {
  machine.at(Site::bwd_shifted_score, [&](auto step) {
    subtract_from_elements(step, {s.row, s.first, s.count}, s.scores, by, s.scores);
  });
}

// fma(score, factor, -by)
template <class Sink>
void scale_and_shift(const Machine<Sink>& machine, const ScoreSpan& s, uint32_t factor,
                     uint32_t by) {
  machine.at(Site::bwd_shifted_score, [&](auto step) {
    multiply_add_elements(step, {s.row, s.first, s.count}, s.scores, factor, by ^ sign_bit32,
                          s.scores);
  });
}

// 2^x, flushing where the site does.
template <class Sink>
void exponentiate_base2(const Machine<Sink>& machine, const ScoreSpan& s) {
  const MufuTables& tables = *machine.plan().tables;
  machine.at(Site::bwd_probability, [&](auto step) {
    const auto flush = flushes_inputs(step.rounding().policy.flush) ? Flush::both : Flush::none;
    apply_to_elements(
        step, {s.row, s.first, s.count}, s.scores,
        [&](std::span<uint32_t> x) { ex2_row(tables, x, flush, x); }, ExactPower{Power::of_two});
  });
}

// exp(x), a function of registers.
template <class Sink, class Exp>
void exponentiate_natural(const Machine<Sink>& machine, const ScoreSpan& s, Exp&& exp) {
  machine.at(Site::bwd_probability, [&](auto step) {
    apply_to_elements(
        step, {s.row, s.first, s.count}, s.scores,
        [&](std::span<uint32_t> x) { std::transform(x.begin(), x.end(), x.begin(), exp); },
        ExactPower{Power::of_e});
  });
}

}  // namespace detail

// The row's statistic as the exponent takes it off: L or L log2 e. A row that sees no key has
// L = -infinity in some kernels, which they read as 0, and +infinity in others, which makes P = 0.
template <class Sink>
uint32_t exponent_shift(const Machine<Sink>& machine, Recompute form, int64_t row, uint32_t lse) {
  constexpr uint32_t minus_infinity = detail::sign_bit32 | detail::infinity32;
  if (lse == minus_infinity) return 0;
  switch (form) {
    case Recompute::scaled_less_scaled:
    case Recompute::fused_less_scaled:
      return detail::product(machine, Site::bwd_lse, row, lse, detail::log2_of_e);
    case Recompute::natural_by_expf:
    case Recompute::natural_rounded:
    case Recompute::natural_by_ex2:
    case Recompute::base2: break;
  }
  return lse;
}

// Whether a product and the difference after it round once.
enum class Contraction { separate, fused };

// What a row's exponent needs beside its scores. `contraction` counts for kernels whose compiler
// decides by the block; `tanhs` is room for the tanh of capped scores, which dS wants later.
struct RowExponent {
  uint32_t shift;
  Contraction contraction = Contraction::separate;
  HeadTerms terms = {};
  uint32_t* tanhs = nullptr;
};

// S becomes P in place.
template <class Sink>
void recompute_probabilities(const Machine<Sink>& machine, Recompute form, const ScoreSpan& s,
                             const RowExponent& row) {
  const Plan& plan = machine.plan();
  const uint32_t scale = plan.problem.scale;
  const auto natural = [&](auto&& exp) {
    detail::scale_scores(machine, Site::bwd_scaled_score, s, scale);
    apply_terms(machine, backward_term_sites, row.terms,
                {.row = s.row,
                 .log_row = s.row,
                 .first_key = s.first,
                 .count = s.count,
                 .scores = s.scores,
                 .tanhs = row.tanhs});
    detail::shift_scores(machine, s, row.shift);
    detail::exponentiate_natural(machine, s, exp);
  };
  switch (form) {
    case Recompute::scaled_less_scaled:
      detail::scale_scores(machine, Site::bwd_scaled_score, s, plan.scale_log2);
      detail::shift_scores(machine, s, row.shift);
      detail::exponentiate_base2(machine, s);
      break;
    case Recompute::fused_less_scaled:
      detail::scale_and_shift(machine, s, plan.scale_log2, row.shift);
      detail::exponentiate_base2(machine, s);
      break;
    case Recompute::natural_by_expf:
      natural([&](uint32_t x) { return library_expf(*plan.tables, x); });
      break;
    case Recompute::natural_rounded: natural(rounded_exp); break;
    case Recompute::natural_by_ex2:
      detail::scale_and_shift(machine, s, scale, row.shift);
      detail::scale_scores(machine, Site::bwd_log2_score, s, detail::log2_of_e);
      detail::exponentiate_base2(machine, s);
      break;
    case Recompute::base2:
      detail::scale_scores(machine, Site::bwd_scaled_score, s, scale);
      switch (row.contraction) {
        case Contraction::fused:
          detail::scale_and_shift(machine, s, detail::log2_of_e, row.shift);
          break;
        case Contraction::separate:
          detail::scale_scores(machine, Site::bwd_log2_score, s, detail::log2_of_e);
          detail::shift_scores(machine, s, row.shift);
          break;
      }
      detail::exponentiate_base2(machine, s);
      break;
  }
}

}  // namespace ulpscope
