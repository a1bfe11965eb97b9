// The named steps of an online softmax, one query row and one key tile at a time.
//
// State carried over tiles: the running maximum m and one partial sum a lane. A tile brings the
// row's scores; the steps scale them, raise m, give the factor r by which everything old shrinks,
// and turn scores into probabilities (row_sum.hpp adds these up, log_sum_exp.hpp ends the row).
// Every line that rounds names its site; where kernels differ, a recipe's field is asked once.
//
// Registers are binary32 bits. A hidden key has the score -infinity and so the probability 0.
// Tested through the pass: tests/attention/forward_test.cpp and tests/captured.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/exact_powers.hpp"
#include "ulpscope/attention/row_steps.hpp"
#include "ulpscope/attention/score_steps.hpp"
#include "ulpscope/hardware/ex2_row.hpp"
#include "ulpscope/hardware/library_functions.hpp"

#include <algorithm>
#include <array>

namespace ulpscope {

inline constexpr uint32_t minus_infinity32 = 0xFF80'0000;
inline constexpr int most_lanes = 8;

struct RowState {
  uint32_t maximum = minus_infinity32;
  std::array<uint32_t, most_lanes> lane_sums{};
  bool fresh = true;  // no tile visited yet
};

// The keys [first, first + count) of a tile, of which the row sees the columns [begin, end).
struct KeySpan {
  int64_t first;
  int64_t count;
  int64_t begin;
  int64_t end;
  bool guarded = false;     // Visit
  bool contracted = false;  // Visit
  int64_t hidden = 0;       // keys that exist and are not seen
};

namespace detail {

// What is subtracted from the scores: a row that has seen no key yet subtracts 0.
ULPSCOPE_HD constexpr uint32_t subtrahend(uint32_t maximum) {
  return maximum == minus_infinity32 ? 0 : maximum;
}

ULPSCOPE_HD inline Elements seen_elements(int64_t row, const KeySpan& keys) {
  return {.row = row, .first = keys.first + keys.begin, .count = keys.end - keys.begin};
}

// to[c] = from[c] * factor for the seen keys.
template <class Sink>
ULPSCOPE_HD void multiply_scores(const Machine<Sink>& machine, Site site, int64_t row,
                                 const KeySpan& keys, const uint32_t* from, uint32_t factor,
                                 uint32_t* to) {
  machine.at(site, [&](auto step) {
    multiply_elements(step, seen_elements(row, keys), from + keys.begin, factor, to + keys.begin);
  });
}

// scores[c] = from[c] - by
template <class Sink>
ULPSCOPE_HD void shift_scores(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                              const uint32_t* from, uint32_t by, uint32_t* scores) {
  machine.at(Site::shifted_score, [&](auto step) {
    subtract_from_elements(step, seen_elements(row, keys), from + keys.begin, by,
                           scores + keys.begin);
  });
}

// scores[c] = fma(scores[c], times, -by)
template <class Sink>
ULPSCOPE_HD void multiply_and_shift(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                                    uint32_t times, uint32_t by, uint32_t* scores) {
  machine.at(Site::shifted_score, [&](auto step) {
    uint32_t* const seen = scores + keys.begin;
    multiply_add_elements(step, seen_elements(row, keys), seen, times, by ^ sign_bit32, seen);
  });
}

// scores[c] = scores[c] * factor, a binary32 product that is then rounded to the site's format.
template <class Sink>
ULPSCOPE_STEP void multiply_and_store(const Machine<Sink>& machine, Site site, int64_t row,
                                      const KeySpan& keys, uint32_t factor, uint32_t* scores) {
  machine.at(site, [&](auto step) {
    for (int64_t c = keys.begin; c < keys.end; ++c) {
      const uint32_t x = scores[c];
      scores[c] = step.hardware(row, keys.first + c, {fmul(x, factor), Flag::none}, [&] {
        return multiply(register_value(x), register_value(factor));
      });
    }
  });
}

// 2^x or e^x by the recipe's instruction,
[[gnu::noinline]] ULPSCOPE_HD inline uint32_t exponential_of(const Plan& plan, uint32_t x) {
  switch (plan.recipe->exponential) {
    case ulpscope::Exponential::ex2: return ex2_approx(*plan.tables, x);
    case ulpscope::Exponential::ex2_ftz: return mufu_ex2(*plan.tables, x);
    case ulpscope::Exponential::expf: return library_expf(*plan.tables, x);
    case ulpscope::Exponential::rounded: return rounded_exp(x);
  }
  return x;
}
// and of a row, in place: by the host's lanes where there are some.
inline void exponentials_of(const Plan& plan, std::span<uint32_t> x) {
  switch (plan.recipe->exponential) {
    case ulpscope::Exponential::ex2: return ex2_row(*plan.tables, x, Flush::none, x);
    case ulpscope::Exponential::ex2_ftz: return ex2_row(*plan.tables, x, Flush::both, x);
    case ulpscope::Exponential::expf:
    case ulpscope::Exponential::rounded: break;
  }
  for (uint32_t& one : x) one = exponential_of(plan, one);
}

// What it should have returned.
ULPSCOPE_HD inline ExactPower exact_exponential(const Plan& plan) {
  switch (plan.recipe->exponential) {
    case ulpscope::Exponential::ex2:
    case ulpscope::Exponential::ex2_ftz: break;
    case ulpscope::Exponential::expf:
    case ulpscope::Exponential::rounded: return {Power::of_e};
  }
  return {Power::of_two};
}

}  // namespace detail

// The scores of a row on their way: `s` as the exponent takes them, `maximum_of` as the maximum
// does. Both have a place for every key of the tile.
struct ScoreRow {
  uint32_t* s;
  uint32_t* maximum_of;
};

// A row's place in its head, and what the head's scores have beside their scale.
struct TermsOfRow {
  const HeadTerms& terms;
  int64_t row;
};

// From S in `s`: what the recipe makes of it before the maximum.
template <class Sink>
ULPSCOPE_STEP void scale_scores(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                                const ScoreRow& scores, const TermsOfRow& of_row) {
  const Plan& plan = machine.plan();
  const auto add_terms = [&] {
    constexpr TermSites sites = forward_term_sites;
    apply_terms(machine, sites, of_row.terms,
                {.row = of_row.row,
                 .log_row = row,
                 .first_key = keys.first + keys.begin,
                 .count = keys.end - keys.begin,
                 .scores = scores.s + keys.begin});
  };
  switch (plan.recipe->scaling) {
    case Scaling::after_maximum: break;
    case Scaling::one_product:
      detail::multiply_scores(machine, Site::scaled_score, row, keys, scores.s, plan.scale_log2,
                              scores.maximum_of);
      break;
    case Scaling::two_products:
      detail::multiply_scores(machine, Site::scaled_score, row, keys, scores.s, plan.problem.scale,
                              scores.s);
      add_terms();
      detail::multiply_scores(machine, Site::log2_score, row, keys, scores.s, detail::log2_of_e,
                              scores.maximum_of);
      break;
    case Scaling::natural:
      detail::multiply_and_store(machine, Site::scaled_score, row, keys, plan.problem.scale,
                                 scores.s);
      add_terms();
      break;
  }
}

// Whether a tile brings the old sums down; a maximum that stays has r = 1.
ULPSCOPE_HD inline bool rescales(const Plan& plan, const RowState& state, uint32_t raised) {
  if (state.fresh) return false;
  switch (plan.recipe->rescaling) {
    case Rescaling::every_tile: break;
    case Rescaling::where_maximum_rose: return raised != state.maximum;
  }
  return true;
}

// r = 2^((old m - new m) c), without c where m is scaled, or to the base e. A row without any
// visible key keeps -infinity; in the tiles where the kernel masks it subtracts 0 for such a row,
// which makes r = 2^-infinity = 0. Elsewhere a row that has seen only -infinity has r = 2^NaN
// (data/captures/h200_fa2_infinite).
template <class Sink>
ULPSCOPE_HD uint32_t rescale_factor(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                                    uint32_t old, uint32_t raised) {
  const Plan& plan = machine.plan();
  const uint32_t reference = keys.guarded ? detail::subtrahend(raised) : raised;
  const uint32_t step = detail::difference(machine, Site::maximum_step, row, old, reference);
  uint32_t scaled = step;
  if (plan.recipe->scaling == Scaling::after_maximum) {
    scaled = detail::product(machine, Site::scaled_step, row, step, plan.scale_log2);
  }
  return machine.one_hardware(Site::rescale_factor, row, detail::exponential_of(plan, scaled),
                              [&] { return detail::exact_exponential(plan)(scaled); });
}

// P = 2^ or e^(score - maximum), in scores.s: the difference, and the exponential.
template <class Sink>
ULPSCOPE_HD void exponentiate(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                              uint32_t maximum, const ScoreRow& scores) {
  const Plan& plan = machine.plan();
  uint32_t* const s = scores.s;
  const uint32_t m = detail::subtrahend(maximum);
  switch (plan.recipe->scaling) {
    case Scaling::natural: detail::shift_scores(machine, row, keys, s, m, s); break;
    case Scaling::after_maximum: {
      const uint32_t shift =
          detail::product(machine, Site::scaled_maximum, row, m, plan.scale_log2);
      if (keys.contracted) {
        detail::multiply_and_shift(machine, row, keys, plan.scale_log2, shift, s);
        break;
      }
      detail::multiply_scores(machine, Site::scaled_score, row, keys, s, plan.scale_log2, s);
      detail::shift_scores(machine, row, keys, s, shift, s);
      break;
    }
    case Scaling::one_product:
    case Scaling::two_products:
      if (keys.contracted) {
        detail::multiply_and_shift(machine, row, keys, detail::log2_of_e, m, s);
      } else {
        detail::shift_scores(machine, row, keys, scores.maximum_of, m, s);
      }
      break;
  }
  machine.at(Site::probability, [&](auto step) {
    apply_to_elements(
        step, detail::seen_elements(row, keys), s + keys.begin,
        [&](std::span<uint32_t> x) {
          if constexpr (is_scalar_sink<Sink>) {
            for (uint32_t& one : x) one = detail::exponential_of(plan, one);
          } else {
            detail::exponentials_of(plan, x);
          }
        },
        detail::exact_exponential(plan));
  });
  std::fill(s, s + keys.begin, 0);
  std::fill(s + keys.end, s + keys.count, 0);
}

}  // namespace ulpscope
