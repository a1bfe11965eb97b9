// The named steps of an online softmax, one query row and one key tile at a time.
//
// State carried over tiles: the running maximum m and one partial sum a lane. A tile brings the
// row's scores; the steps raise m, give the factor r by which everything old shrinks, turn scores
// into probabilities, and add these to the lanes. Every line that rounds names its site.
//
// Registers are binary32 bits. A hidden key has the score -infinity and so the probability 0.
// Tested through the pass: tests/attention/forward_test.cpp and tests/captured.
#pragma once

#include "ulpscope/arith/elementary.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/machine.hpp"
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

// The keys [first, first + count) of a tile, of which the row sees the first `visible`.
struct KeySpan {
  int64_t first;
  int64_t count;
  int64_t visible;
  bool guarded = false;  // Plan::guarded_tiles
};

namespace detail {

// What is subtracted from the scores: a row that has seen no key yet subtracts 0.
constexpr uint32_t subtrahend(uint32_t maximum) {
  return maximum == minus_infinity32 ? 0 : maximum;
}

}  // namespace detail

// m over the old maximum and the tile's scores. Order is irrelevant, nothing rounds.
constexpr uint32_t raised_maximum(uint32_t old, const uint32_t* scores, int64_t count) {
  for (int64_t c = 0; c < count; ++c) old = fmaximum(old, scores[c]);
  return old;
}

// r = 2^((old m - new m) c). A row without any visible key keeps -infinity; in the tiles where the
// kernel masks it subtracts 0 for such a row, which makes r = 2^-infinity = 0. Elsewhere a row that
// has seen only -infinity has r = 2^NaN (data/captures/h200_fa2_infinite).
template <class Sink>
uint32_t rescale_factor(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                        uint32_t old, uint32_t raised) {
  const Plan& plan = machine.plan();
  const uint32_t reference = keys.guarded ? detail::subtrahend(raised) : raised;
  const uint32_t step = machine.one(
      Site::maximum_step, row,
      subtract(register_value(old), register_value(reference), machine.mode(Site::maximum_step)));
  const uint32_t scaled = machine.one(
      Site::scaled_step, row, multiply(register_value(step), register_value(plan.scale_log2)));
  return machine.one_hardware(Site::rescale_factor, row, ex2_approx(*plan.tables, scaled),
                              [&] { return exp2_value(register_value(scaled)); });
}

// P = 2^(S c - m c), in place of the scores: a product, a difference, the exponential.
template <class Sink>
void exponentiate(const Machine<Sink>& machine, int64_t row, const KeySpan& keys, uint32_t maximum,
                  uint32_t* scores) {
  const Plan& plan = machine.plan();
  const auto c_log2 = register_value(plan.scale_log2);
  const auto shift = register_value(machine.one(
      Site::scaled_maximum, row, multiply(register_value(detail::subtrahend(maximum)), c_log2)));
  machine.at(Site::scaled_score, [&](auto step) {
    for (int64_t c = 0; c < keys.visible; ++c) {
      scores[c] = step(row, keys.first + c, multiply(register_value(scores[c]), c_log2));
    }
  });
  machine.at(Site::shifted_score, [&](auto step) {
    for (int64_t c = 0; c < keys.visible; ++c) {
      scores[c] =
          step(row, keys.first + c, subtract(register_value(scores[c]), shift, step.mode()));
    }
  });
  machine.at(Site::probability, [&](auto step) {
    for (int64_t c = 0; c < keys.visible; ++c) {
      const uint32_t x = scores[c];
      scores[c] = step.hardware(row, keys.first + c, {ex2_approx(*plan.tables, x), Flag::none},
                                [&] { return exp2_value(register_value(x)); });
    }
  });
  std::fill(scores + keys.visible, scores + keys.count, 0);
}

// Adds the tile to the lanes. Lane t takes the columns c with (c / 2) mod lanes = t; its first
// addition of a later tile is one fma with the rescaling. The 0 of a hidden key would change
// nothing and is not added. (A lane's very first P is taken as it is, whatever the site's format.)
template <class Sink>
void add_to_lanes(const Machine<Sink>& machine, int64_t row, const KeySpan& keys, const uint32_t* p,
                  uint32_t factor, RowState& state) {
  const RowSum& order = machine.plan().recipe->row_sum;
  const auto r = register_value(factor);
  machine.at(Site::row_sum, [&](auto step) {
    for (int t = 0; t < order.lanes; ++t) {
      uint32_t& sum = state.lane_sums[static_cast<size_t>(t)];
      bool first = true;
      for (int64_t group = 2 * t; group < keys.count; group += 2 * order.lanes) {
        for (int64_t c = group; c < std::min(group + 2, keys.count); ++c) {
          const auto addend = register_value(p[c]);
          if (first && state.fresh) {
            sum = p[c];
          } else if (first && order.first_addition_fused) {
            sum = step(row, keys.first + c, fma(register_value(sum), r, addend, step.mode()));
          } else {
            if (first) sum = step(row, keys.first + c, multiply(register_value(sum), r));
            if (c < keys.visible) {
              sum = step(row, keys.first + c, add(register_value(sum), addend, step.mode()));
            }
          }
          first = false;
        }
      }
    }
  });
}

// l: the lanes joined by a butterfly, the largest distance first. All lanes end with the same sum.
template <class Sink>
uint32_t joined_lanes(const Machine<Sink>& machine, int64_t row, Site site, uint32_t* lanes,
                      int count) {
  machine.at(site, [&](auto step) {
    for (int distance = count / 2; distance >= 1; distance /= 2) {
      for (int t = 0; t < distance; ++t) {
        lanes[t] =
            step(row, 0,
                 add(register_value(lanes[t]), register_value(lanes[t + distance]), step.mode()));
      }
    }
  });
  return lanes[0];
}

// Whether a row sum is one to divide by: kernels put 1 in the place of 1 / l where l is 0 or NaN.
constexpr bool is_usable_sum(uint32_t sum) { return !is_zero(fp32, sum) && !is_nan(fp32, sum); }

// 1 / l, correctly rounded.
template <class Sink>
uint32_t reciprocal_of(const Machine<Sink>& machine, int64_t row, uint32_t sum) {
  constexpr uint32_t one = 0x3F80'0000;
  if (!is_usable_sum(sum)) return one;
  return machine.one(Site::reciprocal, row, divide(register_value(one), register_value(sum)));
}

// LSE = fma(m, scale, RN(log2 l * ln 2)); `none` where there is nothing to take the logarithm of.
template <class Sink>
uint32_t log_sum_exp(const Machine<Sink>& machine, int64_t row, uint32_t maximum, uint32_t sum,
                     uint32_t none) {
  if (!is_usable_sum(sum)) return none;
  const Plan& plan = machine.plan();
  const auto l = register_value(sum);
  const bool positive = l.kind == Kind::finite && !l.negative;
  const uint32_t log2_sum =
      machine.one_hardware(Site::log2_row_sum, row, lg2_approx(*plan.tables, sum),
                           [&] { return positive ? log2_value(l) : exact_nan<uint64_t>(); });
  const uint32_t log_sum = machine.one(
      Site::log_row_sum, row, multiply(register_value(log2_sum), register_value(detail::ln_2)));
  return machine.one(Site::lse, row,
                     fma(register_value(maximum), register_value(plan.problem.scale),
                         register_value(log_sum), machine.mode(Site::lse)));
}

}  // namespace ulpscope
