// What the pass does with one query row of a key tile, between its two products, and at the end of
// the row: forward.hpp's lines but for the sums of the tensor cores.
//
//   S of the tile is in `scores`
//   const uint32_t r = softmax_row(...)      m, r, O r, P, l
//   P is cast and multiplied with V
//   join_product(...)                        where O is no register of the product
//   ... after the last tile
//   finish_row(...), store_output(...)       O / l, LSE
//
// Written once for the host's pass (forward.cpp) and for a GPU, where a thread has a row
// (cuda/emulator, with a ScalarSink). Registers are binary32 bits.
// Tested through the pass: tests/attention/forward_test.cpp, scalar_pass_test.cpp, tests/captured.
#pragma once

#include "ulpscope/attention/combine.hpp"
#include "ulpscope/attention/maximum.hpp"
#include "ulpscope/attention/walk.hpp"

#include <cstdint>

namespace ulpscope {

// The registers of one row: the running output, and a tile's product where that is apart from it.
struct RowOutput {
  uint32_t* o;
  uint32_t* update;
};

// O r: one rounding in registers, a binary32 product and the store's rounding in memory.
template <class Sink>
ULPSCOPE_STEP void rescale_row(const Machine<Sink>& machine, int64_t row, uint32_t factor,
                               uint32_t* o) {
  const Plan& plan = machine.plan();
  const bool one_rounding = plan.accumulator == Accumulator::registers;
  const int64_t dim = plan.problem.dim;
  machine.at(Site::rescale, [&](auto step) {
    if (one_rounding) return multiply_elements(step, {row, 0, dim}, o, factor, o);
    for (int64_t d = 0; d < dim; ++d) {
      o[d] = step.hardware(row, d, {fmul(o[d], factor), Flag::none},
                           [&] { return multiply(step.operand(o[d]), step.operand(factor)); });
    }
  });
}

// From S to P, which is 0 for hidden keys: m', r, O = O r, P, l. Returns r.
template <class Sink>
ULPSCOPE_STEP uint32_t softmax_row(const Machine<Sink>& machine, const TermsOfRow& terms,
                                   int64_t row, const KeySpan& keys, const ScoreRow& scores,
                                   const KeptSums& kept, RowState& state, uint32_t* o) {
  const Plan& plan = machine.plan();
  // s, m' and, from the second tile on, r
  scale_scores(machine, row, keys, scores, terms);
  const uint32_t raised = raised_maximum(machine, row, state.maximum, keys, scores);
  const bool rescaled = rescales(plan, state, raised);
  const uint32_t factor =
      rescaled ? rescale_factor(machine, row, keys, state.maximum, raised) : detail::one32;

  // O = O r
  if (rescaled && plan.accumulator != Accumulator::memory) rescale_row(machine, row, factor, o);

  // P, l
  exponentiate(machine, row, keys, raised, scores);
  add_to_row_sum(machine, row, keys, scores.s, factor, rescaled, state);
  if (kept.row_sum == Kept::in_memory) {
    state.lane_sums[0] = kept_row_sum(machine, row, state.lane_sums[0]);
  }
  state.maximum = raised;
  return factor;
}

// O times the reciprocal of l.
template <class Sink>
ULPSCOPE_HD void normalise_row(const Machine<Sink>& machine, int64_t row, uint32_t inverse,
                               const uint32_t* from, uint32_t* o) {
  machine.at(Site::normalise, [&](auto step) {
    multiply_elements(step, {row, 0, machine.plan().problem.dim}, from, inverse, o);
  });
}

namespace detail {

// The tile's product a joins O in memory: a, then fma(r, O, a), in the last tile with 1 / l.
template <class Sink>
ULPSCOPE_STEP void update_memory(const Machine<Sink>& machine, int64_t row, const RowState& state,
                                 uint32_t factor, bool last, const RowOutput& output) {
  const int64_t dim = machine.plan().problem.dim;
  const uint32_t* const a = output.update;
  uint32_t* const o = output.o;
  if (!last) {
    if (state.fresh) {
      for (int64_t d = 0; d < dim; ++d) o[d] = a[d];
      return;
    }
    machine.at(Site::rescale, [&](auto step) {
      const auto r = step.operand(factor);
      for (int64_t d = 0; d < dim; ++d) {
        o[d] = step(row, d, fma(r, step.operand(o[d]), step.operand(a[d]), step.mode()));
      }
    });
    return;
  }
  const uint32_t inverse = reciprocal_of(machine, row, row_sum_of(machine, row, state));
  if (state.fresh) {
    normalise_row(machine, row, inverse, a, o);
    return;
  }
  const uint32_t shrunk = product(machine, Site::rescale_factor, row, inverse, factor);
  machine.at(Site::rescale, [&](auto step) {
    const auto r = step.operand(shrunk);
    for (int64_t d = 0; d < dim; ++d) o[d] = step(row, d, multiply(r, step.operand(o[d])));
  });
  machine.at(Site::normalise, [&](auto step) {
    const auto n = step.operand(inverse);
    for (int64_t d = 0; d < dim; ++d) {
      o[d] = step(row, d, fma(n, step.operand(a[d]), step.operand(o[d]), step.mode()));
    }
  });
}

// O and the tile's product, which was rounded by itself; then through memory where that is so.
template <class Sink>
ULPSCOPE_STEP void add_tile_product(const Machine<Sink>& machine, int64_t row, Kept kept,
                                    const RowOutput& output) {
  const int64_t dim = machine.plan().problem.dim;
  uint32_t* const o = output.o;
  machine.at(Site::output_add, [&](auto step) {
    for (int64_t d = 0; d < dim; ++d) {
      const auto product = step.operand(output.update[d]);
      o[d] = step(row, d, add(step.operand(o[d]), product, step.mode()));
    }
  });
  if (kept == Kept::in_register) return;
  machine.at(Site::output_keep, [&](auto step) {
    for (int64_t d = 0; d < dim; ++d) o[d] = step(row, d, step.operand(o[d]));
  });
}

// O / l into o.
template <class Sink>
ULPSCOPE_STEP void divide_row(const Machine<Sink>& machine, int64_t row, uint32_t sum,
                              const uint32_t* from, uint32_t* o) {
  switch (machine.plan().recipe->normalise) {
    case Normalise::multiply_by_reciprocal:
    case Normalise::multiply_by_rcp: break;
    case Normalise::divide:
      machine.at(Site::normalise, [&](auto step) {
        const auto l = step.operand(sum);
        for (int64_t d = 0; d < machine.plan().problem.dim; ++d) {
          o[d] = step(row, d, divide(step.operand(from[d]), l));
        }
      });
      return;
  }
  normalise_row(machine, row, reciprocal_of(machine, row, sum), from, o);
}

}  // namespace detail

// What becomes of P16.V, which the sums left in O or, rounded too, in the update; then the tile is
// done.
template <class Sink>
ULPSCOPE_HD void join_product(const Machine<Sink>& machine, int64_t row, uint32_t factor, bool last,
                              const KeptSums& kept, const RowOutput& output, RowState& state) {
  switch (machine.plan().accumulator) {
    case Accumulator::registers: break;
    case Accumulator::memory:
      detail::update_memory(machine, row, state, factor, last, output);
      break;
    case Accumulator::tile_products:
      detail::add_tile_product(machine, row, kept.output, output);
      break;
  }
  state.fresh = false;
}

// O / l into `to`, and the row's LSE, `no_lse` where there is nothing to take a logarithm of.
template <class Sink>
ULPSCOPE_STEP RowEnd finish_row(const Machine<Sink>& machine, int64_t row, const RowState& state,
                                uint32_t no_lse, const uint32_t* o, uint32_t* to) {
  const Plan& plan = machine.plan();
  const uint32_t sum = guarded_sum(*plan.recipe, row_sum_of(machine, row, state));
  switch (plan.accumulator) {
    case Accumulator::registers:
    case Accumulator::tile_products: detail::divide_row(machine, row, sum, o, to); break;
    case Accumulator::memory:
      for (int64_t d = 0; d < plan.problem.dim; ++d) to[d] = o[d];
      break;
  }
  return log_sum_exp(machine, row, state.maximum, sum, no_lse);
}

// The same of a row whose parts are joined as they are, of what combine_sums left.
template <class Sink>
ULPSCOPE_HD RowEnd finish_joined_row(const Machine<Sink>& machine, int64_t row,
                                     const CombinedSums& joint, uint32_t no_lse, uint32_t* o) {
  const RowEnd end = log_sum_exp(machine, row, joint.maximum, joint.sum, no_lse);
  normalise_row(machine, row, reciprocal_of(machine, row, joint.sum), o, o);
  return end;
}

// The output's rounding, in place.
template <class Sink>
ULPSCOPE_STEP void store_output(const Machine<Sink>& machine, int64_t row, uint32_t* o) {
  machine.at(Site::output_store, [&](auto step) {
    cast_elements(step, {row, 0, machine.plan().problem.dim}, o);
  });
}

// What a row sees of the tile that a visit is of.
ULPSCOPE_HD constexpr KeySpan keys_of(const Plan& plan, const Visit& visit, int64_t row) {
  const int64_t first = visit.tile * plan.tile_keys;
  const int64_t rest = plan.problem.keys - first;
  const int64_t real = rest < plan.tile_keys ? rest : plan.tile_keys;
  const auto within = [](int64_t x, int64_t end) { return x < 0 ? 0 : x < end ? x : end; };
  const SeenKeys seen = plan.seen(row);
  const int64_t end = within(seen.end - first, real);
  const int64_t begin = within(seen.first - first, end);
  return {.first = first,
          .count = plan.tile_keys,
          .begin = begin,
          .end = end,
          .guarded = visit.guarded,
          .contracted = visit.contracted,
          .hidden = real - end + begin};
}

}  // namespace ulpscope
