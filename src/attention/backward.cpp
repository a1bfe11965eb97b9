#include "ulpscope/attention/backward.hpp"

#include <algorithm>
#include <optional>

namespace ulpscope {

namespace {

size_t cells(int64_t rows, int64_t columns) { return static_cast<size_t>(rows * columns); }

struct GradientSites {
  std::optional<Site> scale;  // none: dV, which has no factor
  Site store;
};

// Rows [first, end) of a gradient: times the scale where the kernel scales last, then rounded.
template <class Sink>
void store_gradient(const Machine<Sink>& machine, const GradientSites& sites,
                    const BackwardRules& rules, int64_t first, int64_t end, int64_t dim,
                    const uint32_t* sums, uint32_t* results) {
  std::copy(sums + first * dim, sums + end * dim, results + first * dim);
  const auto each = [&](auto&& body) {
    for (int64_t i = first; i < end; ++i) body(Elements{i, 0, dim}, results + i * dim);
  };
  if (sites.scale && rules.scale == GradientScale::after_products) {
    machine.at(*sites.scale, [&](auto step) {
      each([&](const Elements& at, uint32_t* x) {
        multiply_elements(step, at, x, machine.plan().problem.scale, x);
      });
    });
  }
  machine.at(sites.store, [&](auto step) {
    each([&](const Elements& at, uint32_t* x) { cast_elements(step, at, x); });
  });
}

// to = to + part, row `row` of a gradient.
template <class Sink>
void add_part(const Machine<Sink>& machine, Site site, int64_t row,
              const std::vector<uint32_t>& part, uint32_t* to) {
  machine.at(site, [&](auto step) {
    add_elements(step, {row, 0, static_cast<int64_t>(part.size())}, to, part.data(), to);
  });
}

}  // namespace

// One pair of the schedule, and the part of it that exists.
template <class Sink>
struct BackwardPass<Sink>::Tile {
  int64_t first_row;
  int64_t rows;
  int64_t first_key;
  int64_t keys;
  Contraction contraction;

  // The keys of the tile that a row of the head sees, counted within the tile.
  SeenKeys seen(const BackwardPlan& plan, int64_t row) const {
    const SeenKeys seen = plan.seen(row);
    const auto within = [&](int64_t key) { return std::clamp<int64_t>(key - first_key, 0, keys); };
    return {within(seen.first), within(seen.end)};
  }
};

template <class Sink>
BackwardPass<Sink>::BackwardPass(const BackwardPlan& plan, Spread spread,
                                 std::function<Sink&()> sink)
    : plan_(plan),
      spread_(std::move(spread)),
      sink_(std::move(sink)),
      schedule_(backward_schedule(plan)),
      q_rows_(plan.problem.format, plan.problem.rows, plan.problem.dim),
      q_columns_(plan.problem.format, plan.problem.dim, plan.problem.rows, plan.tile_rows),
      k_rows_(plan.problem.format, plan.problem.keys, plan.problem.dim),
      k_columns_(plan.problem.format, plan.problem.dim, plan.problem.keys, plan.tile_keys),
      v_rows_(plan.problem.format, plan.problem.keys, plan.problem.dim),
      do_rows_(plan.problem.format, plan.problem.rows, plan.problem.dim),
      do_columns_(plan.problem.format, plan.problem.dim, plan.problem.rows, plan.tile_rows),
      delta_(static_cast<size_t>(plan.problem.rows)),
      shift_(static_cast<size_t>(plan.problem.rows)),
      p_(cells(plan.tile_rows, plan.tile_keys)),
      ds_(cells(plan.tile_rows, plan.tile_keys)),
      p_by_key_(plan.plan->map[Site::bwd_probability_cast].format, plan.tile_keys, plan.tile_rows),
      ds_by_key_(plan.plan->map[Site::ds_cast].format, plan.tile_keys, plan.tile_rows),
      ds_by_row_(plan.plan->map[Site::ds_cast].format, plan.tile_rows, plan.tile_keys),
      dq_(cells(plan.problem.rows, plan.problem.dim)) {
  if (plan.rules->query_gradient == QueryGradient::atomic_buffers) buffer_.resize(dq_.size());
  if (plan.problem.terms.has(ScoreTerm::soft_cap)) tanhs_.resize(p_.size());
}

template <class Sink>
void BackwardPass<Sink>::load(const HeadInputs& head) {
  const Problem& p = plan_.problem;
  const auto fill = [&](Operand& rows, Operand* columns, std::span<const uint16_t> codes,
                        int64_t count) {
    rows.reset_specials();
    if (columns != nullptr) columns->reset_specials();
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t d = 0; d < p.dim; ++d) {
        const uint16_t code = codes[static_cast<size_t>(i * p.dim + d)];
        rows.set(i, d, code);
        if (columns != nullptr) columns->set(d, i, code);
      }
    }
  };
  fill(q_rows_, &q_columns_, head.q, p.rows);
  fill(k_rows_, &k_columns_, head.k, p.keys);
  fill(v_rows_, nullptr, head.v, p.keys);
  fill(do_rows_, &do_columns_, head.dout, p.rows);
  for (Operand* const columns : {&q_columns_, &k_rows_, &k_columns_, &v_rows_, &do_columns_}) {
    columns->pack();
  }
}

// delta of a row, as the kernel stores it.
template <class Sink>
uint32_t BackwardPass<Sink>::kept_delta(const Machine<Sink>& machine, int64_t row,
                                        const std::vector<uint32_t>& dout,
                                        const uint32_t* o) const {
  const uint32_t delta = delta_of_row(machine, plan_.rules->delta, plan_.delta, row,
                                      plan_.problem.dim, dout.data(), o);
  switch (plan_.rules->delta.kept) {
    case DeltaKept::binary32: break;
    case DeltaKept::input_format: return machine.one(Site::delta_cast, row, register_value(delta));
  }
  return delta;
}

template <class Sink>
void BackwardPass<Sink>::run(const HeadInputs& head, KeyAccumulators& keys, HeadGradients& out,
                             PairObserver* observer) {
  const Problem& p = plan_.problem;
  observer_ = observer;
  load(head);
  terms_ = head.terms;
  std::fill(dq_.begin(), dq_.end(), 0);
  std::fill(buffer_.begin(), buffer_.end(), 0);
  spread_(p.rows, [&](int64_t first, int64_t end) {
    const Machine<Sink> machine(*plan_.plan, sink_());
    std::vector<uint32_t> dout(static_cast<size_t>(p.dim));
    for (int64_t i = first; i < end; ++i) {
      const auto at = static_cast<size_t>(i * p.dim);
      for (size_t d = 0; d < dout.size(); ++d) {
        dout[d] = detail::widened(p.format, head.dout[at + d]);
      }
      const auto row = static_cast<size_t>(i);
      delta_[row] =
          head.delta.empty() ? kept_delta(machine, i, dout, &head.o[at]) : head.delta[row];
      shift_[row] = exponent_shift(machine, plan_.rules->recompute, i, head.lse[row]);
    }
  });

  for (const KeyVisit& key_visit : schedule_) {
    for (const RowVisit& row_visit : key_visit.rows) {
      const int64_t first_row = row_visit.row_tile * plan_.tile_rows;
      const int64_t first_key = key_visit.key_tile * plan_.tile_keys;
      visit({.first_row = first_row,
             .rows = std::min(plan_.tile_rows, p.rows - first_row),
             .first_key = first_key,
             .keys = std::min(plan_.tile_keys, p.keys - first_key),
             .contraction = contraction(row_visit.kind)},
            keys);
    }
    if (key_visit.ends_buffer) combine_buffer();
  }

  out.delta = delta_;
  out.dq.resize(dq_.size());
  spread_(p.rows, [&](int64_t first, int64_t end) {
    const Machine<Sink> machine(*plan_.plan, sink_());
    store_gradient(machine, {Site::dq_scale, Site::dq_store}, *plan_.rules, first, end, p.dim,
                   dq_.data(), out.dq.data());
  });
}

// A kernel that knows a block to be full leaves out the select of the mask, and the compiler then
// fuses what stood around it; so too without a mask, if tiles of 128 divide both lengths.
template <class Sink>
Contraction BackwardPass<Sink>::contraction(BlockKind kind) const {
  const Problem& p = plan_.problem;
  constexpr int64_t block = 128;
  const bool even = p.rows % block == 0 && p.keys % block == 0;
  return even && kind == BlockKind::full ? Contraction::fused : Contraction::separate;
}

template <class Sink>
void BackwardPass<Sink>::finish(const KeyAccumulators& keys, HeadGradients& out) {
  const Problem& p = plan_.problem;
  out.dk.resize(keys.dk.size());
  out.dv.resize(keys.dv.size());
  spread_(p.keys, [&](int64_t first, int64_t end) {
    const Machine<Sink> machine(*plan_.plan, sink_());
    store_gradient(machine, {Site::dk_scale, Site::dk_store}, *plan_.rules, first, end, p.dim,
                   keys.dk.data(), out.dk.data());
    store_gradient(machine, {std::nullopt, Site::dv_store}, *plan_.rules, first, end, p.dim,
                   keys.dv.data(), out.dv.data());
  });
}

template <class Sink>
void BackwardPass<Sink>::visit(const Tile& tile, KeyAccumulators& keys) {
  const int64_t dim = plan_.problem.dim;
  const auto measure = [&](Site site, ColumnTile& columns, const Operand& operand, int64_t first,
                           int64_t count, int64_t from, int64_t length) {
    if (!wants_exact<Sink>(*plan_.plan, site)) return;
    columns.measure(operand, first, count, from, length);
  };
  const auto keys_of = [&](Site site, ColumnTile& columns, const Operand& rows) {
    measure(site, columns, rows, tile.first_key, plan_.tile_keys, 0, dim);
  };
  const auto features_of = [&](Site site, ColumnTile& columns, const Operand& operand, int64_t from,
                               int64_t length) {
    measure(site, columns, operand, 0, dim, from, length);
  };
  keys_of(Site::bwd_scores, k_tile_, k_rows_);
  keys_of(Site::dp, v_tile_, v_rows_);
  features_of(Site::dv_accumulate, do_columns_tile_, do_columns_, tile.first_row, plan_.tile_rows);
  features_of(Site::dk_accumulate, q_columns_tile_, q_columns_, tile.first_row, plan_.tile_rows);
  features_of(Site::dq_accumulate, k_columns_tile_, k_columns_, tile.first_key, plan_.tile_keys);
  std::fill(p_.begin(), p_.end(), 0);
  std::fill(ds_.begin(), ds_.end(), 0);
  spread_(tile.rows, [&](int64_t first, int64_t end) {
    for (int64_t r = first; r < end; ++r) row_of_tile(tile, r);
  });

  p_by_key_.reset_specials();
  ds_by_key_.reset_specials();
  ds_by_row_.reset_specials();
  spread_(tile.keys, [&](int64_t first, int64_t end) {
    std::vector<uint32_t> column(static_cast<size_t>(plan_.tile_rows));
    const auto set_column = [&](Operand& by_key, int64_t c, const std::vector<uint32_t>& x) {
      for (int64_t r = 0; r < plan_.tile_rows; ++r) {
        column[static_cast<size_t>(r)] = x[cells(r, plan_.tile_keys) + static_cast<size_t>(c)];
      }
      by_key.set_registers(c, column);
    };
    for (int64_t c = first; c < end; ++c) {
      set_column(p_by_key_, c, p_);
      set_column(ds_by_key_, c, ds_);
    }
  });
  spread_(tile.rows, [&](int64_t first, int64_t end) {
    for (int64_t r = first; r < end; ++r) {
      ds_by_row_.set_registers(r, std::span(ds_).subspan(cells(r, plan_.tile_keys),
                                                         static_cast<size_t>(plan_.tile_keys)));
    }
  });
  spread_(tile.keys, [&](int64_t first, int64_t end) {
    for (int64_t c = first; c < end; ++c) key_of_tile(tile, keys, c);
  });
  spread_(tile.rows, [&](int64_t first, int64_t end) {
    for (int64_t r = first; r < end; ++r) dq_of_tile(tile, r);
  });
}

// P16 and dS16 of one row of a tile, as registers.
template <class Sink>
void BackwardPass<Sink>::row_of_tile(const Tile& tile, int64_t r) {
  const Machine<Sink> machine(*plan_.plan, sink_());
  const Problem& problem = plan_.problem;
  const BackwardRules& rules = *plan_.rules;
  const int64_t i = tile.first_row + r;
  const SeenKeys seen = tile.seen(plan_, i);
  const int64_t count = seen.end - seen.first;
  if (count <= 0) return;
  const int64_t first_key = tile.first_key + seen.first;
  const Elements elements{.row = i, .first = first_key, .count = count};
  uint32_t* const p = &p_[cells(r, plan_.tile_keys) + static_cast<size_t>(seen.first)];
  uint32_t* const ds = &ds_[cells(r, plan_.tile_keys) + static_cast<size_t>(seen.first)];

  // S and P
  ChainSums sums;
  const auto product = [&](Site site, const Operand& a, const Operand& b, const ColumnTile& columns,
                           uint32_t* results) {
    sums.start_at_zero(count);
    const auto chains = [&]() -> const ChainSums& {
      return machine.chains({a, i, 0}, {b, first_key, 0}, problem.dim, sums);
    };
    machine.at(site, [&](auto step) {
      keep_sums(step, elements, results, chains, [&] {
        return ExactDots({a, i, 0}, {columns, seen.first}, problem.dim);
      });
    });
  };
  product(Site::bwd_scores, q_rows_, k_rows_, k_tile_, p);
  uint32_t* const tanhs = tanhs_.empty() ? nullptr : &tanhs_[static_cast<size_t>(p - p_.data())];
  recompute_probabilities(machine, rules.recompute,
                          {.row = i, .first = first_key, .count = count, .scores = p},
                          {.shift = shift_[static_cast<size_t>(i)],
                           .contraction = tile.contraction,
                           .terms = terms_,
                           .tanhs = tanhs});

  // dP and dS, with P as it is or as it is cast
  product(Site::dp, do_rows_, v_rows_, v_tile_, ds);
  const std::vector<uint32_t> dp(ds, observer_ == nullptr ? ds : ds + count);
  machine.at(Site::dp_minus_delta, [&](auto step) {
    subtract_from_elements(step, elements, ds, delta_[static_cast<size_t>(i)], ds);
  });
  const auto cast = [&](Site site, uint32_t* x) {
    machine.at(site, [&](auto step) { cast_elements(step, elements, x); });
  };
  const auto times_p = [&] {
    machine.at(Site::ds, [&](auto step) { multiply_elements(step, elements, p, ds, ds); });
  };
  switch (rules.probability) {
    case GradientProbability::unrounded:
      times_p();
      cast(Site::bwd_probability_cast, p);
      break;
    case GradientProbability::cast:
      cast(Site::bwd_probability_cast, p);
      times_p();
      break;
  }
  if (tanhs != nullptr) {
    bend_ds(machine, {.row = i,
                      .log_row = i,
                      .first_key = first_key,
                      .count = count,
                      .scores = ds,
                      .tanhs = tanhs});
  }
  if (rules.scale == GradientScale::inside) {
    machine.at(Site::ds_scale,
               [&](auto step) { multiply_elements(step, elements, ds, problem.scale, ds); });
  }
  cast(Site::ds_cast, ds);
  if (observer_ != nullptr) {
    observer_->row(
        {.row = i, .first_key = first_key, .count = count, .p = p, .dp = dp.data(), .ds = ds});
  }
}

template <class Sink>
const ChainSums& BackwardPass<Sink>::gradient_chains(const Machine<Sink>& machine, ChainRow a,
                                                     const ChainColumns& b, int64_t length,
                                                     ChainSums& sums) const {
  switch (plan_.rules->products) {
    case GradientProducts::tensor_cores: return machine.chains(a, b, length, sums);
    case GradientProducts::fma_chain:
      for (int64_t j = 0; j < sums.size(); ++j) {
        const uint32_t sum =
            run_fma_chain(a, {b.operand, b.first + j, b.from}, length, sums[j].value);
        sums.set(j, {sum, Flag::none});
      }
      break;
  }
  return sums;
}

// dV and dK of one key: the chains over the tile's rows.
template <class Sink>
void BackwardPass<Sink>::key_of_tile(const Tile& tile, KeyAccumulators& keys, int64_t c) {
  const Machine<Sink> machine(*plan_.plan, sink_());
  const int64_t dim = plan_.problem.dim;
  const int64_t j = tile.first_key + c;
  // Leading and trailing rows that do not see the key add nothing.
  const auto sees = [&](int64_t r) {
    const SeenKeys seen = tile.seen(plan_, tile.first_row + r);
    return seen.first <= c && c < seen.end;
  };
  int64_t first = 0;
  int64_t end = tile.rows;
  while (first < end && !sees(first)) ++first;
  while (end > first && !sees(end - 1)) --end;
  if (first == end) return;

  std::vector<uint32_t> part(static_cast<size_t>(dim));
  ChainSums returned;
  const auto chain = [&](Site site, const Operand& a, const Operand& b, const ColumnTile& columns,
                         uint32_t* sums) {
    returned.start_at(sums, dim);
    const auto chains = [&]() -> const ChainSums& {
      return gradient_chains(machine, {a, c, first}, {b, 0, tile.first_row + first}, end - first,
                             returned);
    };
    machine.at(site, [&](auto step) {
      keep_sums(step, {j, 0, dim}, sums, chains, [&] {
        return ExactDots({a, c, 0}, {columns, 0, sums}, plan_.tile_rows);
      });
    });
  };
  const auto accumulate = [&](Site site, Site combine, const Operand& a, const Operand& b,
                              const ColumnTile& columns, uint32_t* sums) {
    switch (plan_.rules->key_gradient) {
      case KeyGradient::one_chain: return chain(site, a, b, columns, sums);
      case KeyGradient::sum_of_parts: break;
    }
    std::fill(part.begin(), part.end(), 0);
    chain(site, a, b, columns, part.data());
    add_part(machine, combine, j, part, sums);
  };
  const auto at = static_cast<size_t>(j * dim);
  accumulate(Site::dv_accumulate, Site::dv_combine, p_by_key_, do_columns_, do_columns_tile_,
             &keys.dv[at]);
  accumulate(Site::dk_accumulate, Site::dk_combine, ds_by_key_, q_columns_, q_columns_tile_,
             &keys.dk[at]);
}

// dQ of one row: the chain over the tile's keys, and where its result goes.
template <class Sink>
void BackwardPass<Sink>::dq_of_tile(const Tile& tile, int64_t r) {
  const Machine<Sink> machine(*plan_.plan, sink_());
  const int64_t dim = plan_.problem.dim;
  const int64_t i = tile.first_row + r;
  const SeenKeys seen = tile.seen(plan_, i);
  if (seen.first >= seen.end) return;
  const int64_t first = seen.first;
  const bool carried = plan_.rules->query_gradient == QueryGradient::one_chain;
  uint32_t* const dq = &dq_[static_cast<size_t>(i * dim)];
  std::vector<uint32_t> part(static_cast<size_t>(dim), 0);
  uint32_t* const sums = carried ? dq : part.data();
  ChainSums returned;
  returned.start_at(sums, dim);
  const auto chains = [&]() -> const ChainSums& {
    return gradient_chains(machine, {ds_by_row_, r, first}, {k_columns_, 0, tile.first_key + first},
                           seen.end - first, returned);
  };
  machine.at(Site::dq_accumulate, [&](auto step) {
    keep_sums(step, {i, 0, dim}, sums, chains, [&] {
      return ExactDots({ds_by_row_, r, 0}, {k_columns_tile_, 0, sums}, plan_.tile_keys);
    });
  });
  switch (plan_.rules->query_gradient) {
    case QueryGradient::one_chain: break;
    case QueryGradient::atomic_buffers:
      add_part(machine, Site::dq_add, i, part, &buffer_[static_cast<size_t>(i * dim)]);
      break;
    case QueryGradient::sum_of_parts: add_part(machine, Site::dq_combine, i, part, dq); break;
  }
}

// The total of the buffers so far, plus the one that is complete.
template <class Sink>
void BackwardPass<Sink>::combine_buffer() {
  if (plan_.rules->query_gradient != QueryGradient::atomic_buffers) return;
  const int64_t dim = plan_.problem.dim;
  spread_(plan_.problem.rows, [&](int64_t first, int64_t end) {
    const Machine<Sink> machine(*plan_.plan, sink_());
    machine.at(Site::dq_combine, [&](auto step) {
      for (int64_t i = first; i < end; ++i) {
        uint32_t* const dq = &dq_[static_cast<size_t>(i * dim)];
        add_elements(step, {i, 0, dim}, dq, &buffer_[static_cast<size_t>(i * dim)], dq);
      }
    });
  });
  std::fill(buffer_.begin(), buffer_.end(), 0);
}

template class BackwardPass<NullSink>;
template class BackwardPass<TileLog>;

}  // namespace ulpscope
