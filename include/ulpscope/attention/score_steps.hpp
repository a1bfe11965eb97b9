// The named steps of the terms of a score (score_terms.hpp), one query row and one key tile at a
// time, in the forward pass and again in the backward pass.
//
//   y = RN(x / C), t = RN(tanh y), x = RN(C t)     cap_argument, cap_tanh, capped_score
//   x = fma(-slope, |j - d|, x)                    alibi_score
//   x = RN(x + bias)                               biased_score
//   dS = RN(dS fma(-t, t, 1))                      cap_slope, ds_cap
//
// tanh is correctly rounded, distances are integers and exact. A term that the problem does not
// have costs a comparison a row. Registers are binary32 bits.
// Tested through the pass: tests/attention/score_steps_test.cpp.
#pragma once

#include "ulpscope/arith/integers.hpp"
#include "ulpscope/attention/machine.hpp"
#include "ulpscope/attention/rounded.hpp"

#include <algorithm>

namespace ulpscope {

// The sites of one of the two passes.
struct TermSites {
  Site argument;
  Site tanh;
  Site capped;
  Site alibi;
  Site biased;
};
inline constexpr TermSites forward_term_sites{
    Site::cap_argument, Site::cap_tanh, Site::capped_score, Site::alibi_score, Site::biased_score};
inline constexpr TermSites backward_term_sites{Site::bwd_cap_argument, Site::bwd_cap_tanh,
                                               Site::bwd_capped_score, Site::bwd_alibi_score,
                                               Site::bwd_biased_score};

// Scores of one row, from one key on; the row counts within the head, the log's within what is
// logged together.
struct TermSpan {
  int64_t row;
  int64_t log_row;
  int64_t first_key;
  int64_t count;
  uint32_t* scores;
  uint32_t* tanhs = nullptr;  // where t is wanted afterwards; may hold anything before
};

namespace detail {

// to[c] = step(from[c]) at a site.
template <class Sink, class Value>
ULPSCOPE_HD void each_score(const Machine<Sink>& machine, Site site, const TermSpan& s,
                            Value&& value) {
  machine.at(site, [&](auto step) {
    for (int64_t c = 0; c < s.count; ++c) {
      s.scores[c] = step(s.log_row, s.first_key + c, value(step, c));
    }
  });
}

template <class Sink>
ULPSCOPE_STEP void cap_scores(const Machine<Sink>& machine, const TermSites& sites, uint32_t cap,
                              const TermSpan& s) {
  each_score(machine, sites.argument, s, [&](const auto& step, int64_t c) {
    return divide(step.operand(s.scores[c]), step.operand(cap));
  });
  each_score(machine, sites.tanh, s,
             [&](const auto& step, int64_t c) { return exact_tanh(step.operand(s.scores[c])); });
  if (s.tanhs != nullptr) std::copy(s.scores, s.scores + s.count, s.tanhs);
  each_score(machine, sites.capped, s, [&](const auto& step, int64_t c) {
    return multiply(step.operand(s.scores[c]), step.operand(cap));
  });
}

}  // namespace detail

template <class Sink>
ULPSCOPE_STEP void apply_terms(const Machine<Sink>& machine, const TermSites& sites,
                               const HeadTerms& terms, const TermSpan& s) {
  if (terms.none()) return;
  if (terms.cap != 0) detail::cap_scores(machine, sites, terms.cap, s);
  if (terms.slope != 0) {
    detail::each_score(machine, sites.alibi, s, [&](const auto& step, int64_t c) {
      const auto distance = static_cast<uint64_t>(terms.distance(s.row, s.first_key + c));
      return fma(step.operand(terms.slope ^ detail::sign_bit32),
                 exact_integer<uint64_t>(distance, {64, Sign::absent}), step.operand(s.scores[c]),
                 step.mode());
    });
  }
  if (terms.bias != nullptr) {
    detail::each_score(machine, sites.biased, s, [&](const auto& step, int64_t c) {
      return add(step.operand(s.scores[c]), step.operand(terms.bias_of(s.row, s.first_key + c)),
                 step.mode());
    });
  }
}

// dS = dS (1 - t^2), the scores of the span being dS.
template <class Sink>
ULPSCOPE_HD void bend_ds(const Machine<Sink>& machine, const TermSpan& s) {
  machine.at(Site::cap_slope, [&](auto step) {
    for (int64_t c = 0; c < s.count; ++c) {
      const uint32_t t = s.tanhs[c];
      s.tanhs[c] = step(s.log_row, s.first_key + c,
                        fma(step.operand(t ^ detail::sign_bit32), step.operand(t),
                            step.operand(detail::one32), step.mode()));
    }
  });
  detail::each_score(machine, Site::ds_cap, s, [&](const auto& step, int64_t c) {
    return multiply(step.operand(s.scores[c]), step.operand(s.tanhs[c]));
  });
}

}  // namespace ulpscope
