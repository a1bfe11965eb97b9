#include "ulpscope/attention/forward.hpp"

namespace ulpscope {

namespace {

constexpr uint32_t plus_infinity32 = 0x7F80'0000;

}  // namespace

HeadOperands decode_head(const Plan& plan, int64_t batch, int64_t kv_head) {
  const Problem& p = plan.problem;
  const auto size = static_cast<size_t>(p.keys * p.dim);
  const auto at = static_cast<size_t>(batch * p.kv_heads + kv_head) * size;
  return {operand_rows(p.format, p.k.subspan(at, size), p.keys, p.dim, 0),
          operand_columns(p.format, p.v.subspan(at, size), p.keys, p.dim, plan.tile_keys)};
}

template <class Sink>
ForwardPass<Sink>::ForwardPass(const Plan& plan, const HeadOperands& head, Sink& sink)
    : plan_(plan),
      head_(head),
      machine_(plan, sink),
      q_(plan.problem.format, plan.tile_rows, plan.problem.dim),
      p_(plan.map[Site::probability_cast].format, 1, plan.tile_keys),
      scores_(static_cast<size_t>(plan.tile_keys)),
      states_(static_cast<size_t>(plan.tile_rows)),
      o_(static_cast<size_t>(plan.tile_rows * plan.problem.dim)) {
  if constexpr (Sink::enabled) {
    q_exact_ = AlignedRows(plan.tile_rows, plan.problem.dim);
    k_exact_ = AlignedRows(plan.tile_keys, plan.problem.dim);
    v_exact_ = AlignedRows(plan.problem.dim, plan.tile_keys);
    p_exact_ = AlignedRows(1, plan.tile_keys);
  }
}

template <class Sink>
void ForwardPass<Sink>::run(const TileRows& rows, TileOutput& out) {
  const Problem& p = plan_.problem;
  q_.reset_specials();
  const auto first_code =
      static_cast<size_t>(((rows.batch * p.heads + rows.head) * p.rows + rows.first) * p.dim);
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t d = 0; d < p.dim; ++d) {
      q_.set(r, d, p.q[first_code + static_cast<size_t>(r * p.dim + d)]);
    }
  }
  if constexpr (Sink::enabled) q_exact_.align(q_, 0, 0);

  // Tiles that some row of this tile sees: the last row sees most.
  const int64_t visible = plan_.seen(rows.first + plan_.tile_rows - 1).end;
  const int64_t end_tile = (visible + plan_.tile_keys - 1) / plan_.tile_keys;
  const auto size = static_cast<size_t>(rows.count * p.dim);
  out.o.resize(size);
  out.lse.resize(static_cast<size_t>(rows.count));
  if (plan_.parts == 1) {
    run_part(rows, 0, end_tile);
    for (int64_t r = 0; r < rows.count; ++r) {
      finish(r, plus_infinity32, &out.o[static_cast<size_t>(r * p.dim)],
             &out.lse[static_cast<size_t>(r)]);
    }
  } else {
    parts_.dim = p.dim;
    parts_.o.assign(size * static_cast<size_t>(plan_.parts), 0);
    parts_.lse.assign(static_cast<size_t>(rows.count * plan_.parts), minus_infinity32);
    const int64_t length = plan_.tiles_per_part();
    for (int64_t part = 0; part < plan_.parts; ++part) {
      const int64_t end = std::min((part + 1) * length, end_tile);
      if (part * length >= end) continue;
      run_part(rows, part * length, end);
      for (int64_t r = 0; r < rows.count; ++r) {
        const int64_t row = part * rows.count + r;
        finish(r, minus_infinity32, &parts_.o[static_cast<size_t>(row * p.dim)],
               &parts_.lse[static_cast<size_t>(row)]);
      }
    }
    for (int64_t r = 0; r < rows.count; ++r) {
      out.lse[static_cast<size_t>(r)] =
          combine_row(machine_, parts_, rows.count, r, &out.o[static_cast<size_t>(r * p.dim)]);
    }
  }
  for (int64_t r = 0; r < rows.count; ++r) store_output(r, &out.o[static_cast<size_t>(r * p.dim)]);
}

template <class Sink>
void ForwardPass<Sink>::run_part(const TileRows& rows, int64_t first_tile, int64_t end_tile) {
  std::fill(states_.begin(), states_.end(), RowState{});
  std::fill(o_.begin(), o_.end(), 0);
  switch (plan_.recipe->key_order) {
    case KeyOrder::ascending:
      for (int64_t t = first_tile; t < end_tile; ++t) visit(rows, t, t - first_tile);
      break;
    case KeyOrder::descending:
      for (int64_t t = end_tile - 1; t >= first_tile; --t) visit(rows, t, end_tile - 1 - t);
      break;
  }
}

template <class Sink>
void ForwardPass<Sink>::visit(const TileRows& rows, int64_t tile, int64_t turn) {
  const Problem& p = plan_.problem;
  const int64_t first = tile * plan_.tile_keys;
  if constexpr (Sink::enabled) {
    k_exact_.align(head_.k, first, 0);
    v_exact_.align(head_.v, 0, first);
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t seen = plan_.seen(rows.first + r).end - first;
    visit_row(r,
              {.first = first,
               .count = plan_.tile_keys,
               .visible = std::clamp<int64_t>(seen, 0, std::min(plan_.tile_keys, p.keys - first)),
               .guarded = turn < plan_.guarded_tiles()});
  }
}

template <class Sink>
void ForwardPass<Sink>::visit_row(int64_t row, const KeySpan& keys) {
  const Problem& p = plan_.problem;
  RowState& state = states_[static_cast<size_t>(row)];
  uint32_t* const s = scores_.data();
  uint32_t* const o = &o_[static_cast<size_t>(row * p.dim)];

  // S = Q.K^T
  machine_.at(Site::scores, [&](auto step) {
    for (int64_t c = 0; c < keys.visible; ++c) {
      const auto sum = machine_.chain({q_, row, 0}, {head_.k, keys.first + c, 0}, p.dim, 0);
      s[c] = step.hardware(row, keys.first + c, sum,
                           [&] { return exact_dot(q_exact_, row, k_exact_, c, p.dim); });
    }
  });

  // m' and, from the second tile on, r and O = O r
  const uint32_t raised = raised_maximum(state.maximum, s, keys.visible);
  uint32_t factor = 0;
  if (!state.fresh) {
    factor = rescale_factor(machine_, row, keys, state.maximum, raised);
    const auto r = register_value(factor);
    machine_.at(Site::rescale, [&](auto step) {
      for (int64_t d = 0; d < p.dim; ++d) o[d] = step(row, d, multiply(register_value(o[d]), r));
    });
  }

  // P, l, P16
  exponentiate(machine_, row, keys, raised, s);
  add_to_lanes(machine_, row, keys, s, factor, state);
  state.maximum = raised;
  state.fresh = false;
  p_.reset_specials();
  machine_.at(Site::probability_cast, [&](auto step) {
    for (int64_t c = 0; c < keys.visible; ++c) {
      p_.set(0, c, code_of(step.format(), step(row, keys.first + c, register_value(s[c]))));
    }
  });
  for (int64_t c = keys.visible; c < keys.count; ++c) p_.set(0, c, 0);
  if constexpr (Sink::enabled) p_exact_.align(p_, 0, 0);

  // O = O + P16.V
  machine_.at(Site::output_accumulate, [&](auto step) {
    for (int64_t d = 0; d < p.dim; ++d) {
      // Where V holds an infinity or NaN, hidden keys count too: 0 times it is NaN.
      const int64_t length = head_.v.has_special(d) ? keys.count : keys.visible;
      const auto sum = machine_.chain({p_, 0, 0}, {head_.v, d, keys.first}, length, o[d]);
      const auto old = decode<uint128>(fp32, o[d]);
      o[d] = step.hardware(row, d, sum, [&] {
        const auto dot = exact_dot(p_exact_, 0, v_exact_, d, keys.count);
        auto total = add(dot, old, Mode::nearest_even);
        total.sticky = total.sticky || dot.sticky;
        return total;
      });
    }
  });
}

template <class Sink>
void ForwardPass<Sink>::finish(int64_t row, uint32_t no_lse, uint32_t* o, uint32_t* lse) {
  RowState& state = states_[static_cast<size_t>(row)];
  const int64_t dim = plan_.problem.dim;
  const uint32_t* const running = &o_[static_cast<size_t>(row * dim)];
  const uint32_t sum = joined_lanes(machine_, row, Site::row_sum, state.lane_sums.data(),
                                    plan_.recipe->row_sum.lanes);
  const auto inverse = register_value(reciprocal_of(machine_, row, sum));
  *lse = log_sum_exp(machine_, row, state.maximum, sum, no_lse);
  machine_.at(Site::normalise, [&](auto step) {
    for (int64_t d = 0; d < dim; ++d) {
      o[d] = step(row, d, multiply(register_value(running[d]), inverse));
    }
  });
}

template <class Sink>
void ForwardPass<Sink>::store_output(int64_t row, uint32_t* o) {
  machine_.at(Site::output_store, [&](auto step) {
    for (int64_t d = 0; d < plan_.problem.dim; ++d) o[d] = step(row, d, register_value(o[d]));
  });
}

template class ForwardPass<NullSink>;
template class ForwardPass<TileLog>;

}  // namespace ulpscope
