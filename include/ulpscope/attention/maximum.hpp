// The running maximum m of a row: over the old one and a tile's scores, and the step by which some
// code moves it off scores that reach it together.
//
//   stable, factor 2: scores 3, 3, 1 -> m = 6    scores -3, -3, -4 -> m = 0    scores 3, 2 -> m = 3
//   offset 0.1:       scores 3, 2 -> m = 3.1
//
// The product and the sum are rounded once, at the site moved_maximum. A tile of which the row sees
// nothing keeps its maximum, -infinity.
//
// Hidden keys count where they have a score (HiddenKeys): a tile of hidden keys alone has the
// lowest number as its maximum many times over, which the stable step makes 0, for all rows.
//
// Limits: a score that is NaN is passed over. Tested by tests/attention/maximum_test.cpp and, with
// what the step does to outputs, tests/captured/paper_test.cpp.
#pragma once

#include "ulpscope/attention/softmax.hpp"

namespace ulpscope {

namespace detail {

// The scores that the maximum is taken over.
ULPSCOPE_HD inline const uint32_t* maximum_of(const Plan& plan, const ScoreRow& scores) {
  switch (plan.recipe->scaling) {
    case Scaling::after_maximum:
    case Scaling::natural: return scores.s;
    case Scaling::one_product:
    case Scaling::two_products: break;
  }
  return scores.maximum_of;
}

// The score of a hidden key.
ULPSCOPE_HD inline uint32_t hidden_score(const Plan& plan) {
  switch (plan.recipe->hidden_keys) {
    case HiddenKeys::left_out: break;
    case HiddenKeys::lowest_number: {
      const Format& f = plan.problem.format;
      return sign_bit32 | widened(f, largest_finite_bits<uint64_t>(f));
    }
  }
  return minus_infinity32;
}

}  // namespace detail

// The maximum of a tile, moved off the scores where the recipe does so and several reach it.
template <class Sink>
ULPSCOPE_STEP uint32_t stable_maximum(const Machine<Sink>& machine, int64_t row,
                                      const KeySpan& keys, const uint32_t* scores,
                                      uint32_t maximum) {
  using Binary32 = Soft<fp32>;
  const auto& stable = machine.plan().maximum.stable;
  if (!stable || maximum == minus_infinity32) return maximum;  // nothing is seen: nothing repeats
  const auto least = Binary32::from_bits(
      machine.one(Site::maximum_less_tolerance, row,
                  subtract(register_value(maximum), register_value(stable->tolerance),
                           machine.mode(Site::maximum_less_tolerance))));
  const auto counts = [&](uint32_t score) { return Binary32::from_bits(score) >= least; };
  int64_t count = counts(detail::hidden_score(machine.plan())) ? keys.hidden : 0;
  for (int64_t c = keys.begin; c < keys.end; ++c) count += counts(scores[c]) ? 1 : 0;
  if (count < 2 || detail::is_zero32(maximum)) return maximum;
  if (detail::is_negative32(maximum)) return 0;
  return detail::product(machine, Site::moved_maximum, row, maximum, stable->factor);
}

// A tile's maximum with the fixed offset.
template <class Sink>
ULPSCOPE_HD uint32_t offset_maximum(const Machine<Sink>& machine, int64_t row, uint32_t maximum) {
  const uint32_t offset = machine.plan().maximum.offset;
  if (offset == 0 || maximum == minus_infinity32) return maximum;
  return detail::sum_of(machine, Site::moved_maximum, row, maximum, offset);
}

// m over the old maximum and the tile's. Order is irrelevant.
template <class Sink>
ULPSCOPE_HD uint32_t raised_maximum(const Machine<Sink>& machine, int64_t row, uint32_t old,
                                    const KeySpan& keys, const ScoreRow& scores) {
  const Plan& plan = machine.plan();
  const uint32_t* const from = detail::maximum_of(plan, scores);
  uint32_t tile = keys.hidden > 0 ? detail::hidden_score(plan) : minus_infinity32;
  if constexpr (is_scalar_sink<Sink>) {
    for (int64_t c = keys.begin; c < keys.end; ++c) tile = fmaximum(tile, from[c]);
  } else {
    tile = maximum_of_row(tile, {from + keys.begin, static_cast<size_t>(keys.end - keys.begin)});
  }
  tile = stable_maximum(machine, row, keys, from, tile);
  return fmaximum(old, offset_maximum(machine, row, tile));
}

}  // namespace ulpscope
