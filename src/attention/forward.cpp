#include "ulpscope/attention/forward.hpp"

namespace ulpscope {

namespace {

constexpr uint32_t plus_infinity32 = 0x7F80'0000;

}  // namespace

HeadOperands decode_head(const Plan& plan, int64_t batch, int64_t kv_head) {
  const Problem& p = plan.problem;
  const auto size = static_cast<size_t>(p.keys * p.dim);
  const auto at = static_cast<size_t>(batch * p.kv_heads + kv_head) * size;
  HeadOperands head{
      operand_rows(p.format, p.k.subspan(at, size), p.keys, p.dim, 0),
      operand_columns(p.format, p.v.subspan(at, size), p.keys, p.dim, plan.tile_keys)};
  head.k.pack();
  head.v.pack();
  return head;
}

template <class Sink>
ForwardPass<Sink>::ForwardPass(const Plan& plan, const HeadOperands& head, Sink& sink)
    : plan_(plan),
      head_(head),
      machine_(plan, sink),
      q_(plan.problem.format, plan.tile_rows, plan.problem.dim),
      p_(plan.map[Site::probability_cast].format, 1, plan.tile_keys),
      scores_(static_cast<size_t>(plan.tile_keys)),
      scaled_(static_cast<size_t>(plan.tile_keys)),
      update_(static_cast<size_t>(plan.problem.dim)),
      states_(static_cast<size_t>(plan.tile_rows)),
      o_(static_cast<size_t>(plan.tile_rows * plan.problem.dim)) {}

template <class Sink>
void ForwardPass<Sink>::run(const TileRows& rows, TileOutput& out, ProbabilityObserver* observer) {
  const Problem& p = plan_.problem;
  observer_ = observer;
  q_.reset_specials();
  machine_.enter_rows(static_cast<uint64_t>(
      (first_head(p) + rows.batch * p.heads + rows.head) * p.rows + rows.first));
  ends_ = plan_.tile_ends(rows.first);
  terms_ = head_terms(p, plan_.recipe->alignment, rows.batch, rows.head);
  const auto first_code =
      static_cast<size_t>(((rows.batch * p.heads + rows.head) * p.rows + rows.first) * p.dim);
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t d = 0; d < p.dim; ++d) {
      q_.set(r, d, p.q[first_code + static_cast<size_t>(r * p.dim + d)]);
    }
  }

  const auto count = static_cast<size_t>(rows.count);
  out.o.resize(count * static_cast<size_t>(p.dim));
  out.lse.resize(count);
  out.base2.resize(plan_.log_sum_exp == LogSumExp::product_of_base2 ? count : 0);
  if (plan_.parts == 1) {
    run_whole(rows, out);
  } else {
    parts_.dim = p.dim;
    switch (plan_.recipe->split.combine) {
      case Combine::normalised: run_parts_normalised(rows, out); break;
      case Combine::unnormalised: run_parts_as_they_are(rows, out); break;
    }
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    store_output(machine_, r, &out.o[static_cast<size_t>(r * p.dim)]);
  }
}

template <class Sink>
void ForwardPass<Sink>::run_whole(const TileRows& rows, TileOutput& out) {
  run_part(rows, 0);
  for (int64_t r = 0; r < rows.count; ++r) {
    const auto at = static_cast<size_t>(r);
    const RowEnd end = finish_row(machine_, r, states_[at], plus_infinity32, running(r),
                                  &out.o[static_cast<size_t>(r * plan_.problem.dim)]);
    out.lse[at] = end.lse;
    if (!out.base2.empty()) out.base2[at] = end.base2;
  }
}

template <class Sink>
void ForwardPass<Sink>::run_parts_normalised(const TileRows& rows, TileOutput& out) {
  parts_.o.resize(out.o.size() * static_cast<size_t>(plan_.parts));
  parts_.lse.resize(static_cast<size_t>(rows.count * plan_.parts));
  for (int64_t part = 0; part < plan_.parts; ++part) {
    const bool visited = run_part(rows, part);
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t row = part * rows.count + r;
      uint32_t* const o = &parts_.o[static_cast<size_t>(row * parts_.dim)];
      uint32_t& lse = parts_.lse[static_cast<size_t>(row)];
      if (visited) {
        lse = finish_row(machine_, r, states_[static_cast<size_t>(r)], minus_infinity32, running(r),
                         o)
                  .lse;
      } else {
        std::fill(o, o + parts_.dim, 0);
        lse = minus_infinity32;
      }
    }
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    out.lse[static_cast<size_t>(r)] = combine_row(machine_, parts_.in_place(), rows.count, r,
                                                  &out.o[static_cast<size_t>(r * parts_.dim)]);
  }
}

template <class Sink>
void ForwardPass<Sink>::run_parts_as_they_are(const TileRows& rows, TileOutput& out) {
  parts_.o.clear();
  parts_.maximum.clear();
  parts_.sum.clear();
  for (int64_t part = 0; part < plan_.parts; ++part) {
    run_part(rows, part);
    for (int64_t r = 0; r < rows.count; ++r) {
      const RowState& state = states_[static_cast<size_t>(r)];
      parts_.o.insert(parts_.o.end(), running(r), running(r) + parts_.dim);
      parts_.maximum.push_back(state.maximum);
      parts_.sum.push_back(row_sum_of(machine_, r, state));
    }
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    uint32_t* const o = &out.o[static_cast<size_t>(r * parts_.dim)];
    const CombinedSums joint = combine_sums(machine_, parts_.in_place(), rows.count, r, o);
    out.lse[static_cast<size_t>(r)] = finish_joined_row(machine_, r, joint, plus_infinity32, o).lse;
  }
}

// Whether the part has any tile to visit.
template <class Sink>
bool ForwardPass<Sink>::run_part(const TileRows& rows, int64_t part) {
  std::fill(states_.begin(), states_.end(), RowState{});
  std::fill(o_.begin(), o_.end(), 0);
  const auto walk = key_walk(plan_, rows.first, part);
  for (const Visit& next : walk) visit(rows, next);
  return !walk.empty();
}

template <class Sink>
void ForwardPass<Sink>::visit(const TileRows& rows, const Visit& visit) {
  const Problem& p = plan_.problem;
  const int64_t first = visit.tile * plan_.tile_keys;
  machine_.enter_tile(visit.tile);
  if (wants_exact<Sink>(plan_, Site::scores)) {
    k_tile_.measure(head_.k, first, plan_.tile_keys, 0, p.dim);
  }
  if (wants_exact<Sink>(plan_, Site::output_accumulate)) {
    v_tile_.measure(head_.v, 0, p.dim, first, plan_.tile_keys);
  }
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t row = rows.first + r;
    visit_row({terms_, row}, r, keys_of(plan_, visit, row), visit.last);
  }
}

template <class Sink>
void ForwardPass<Sink>::visit_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys,
                                  bool last) {
  RowState& state = states_[static_cast<size_t>(row)];
  uint32_t* const o = running(row);
  const KeptSums& kept = last ? ends_.last : ends_.inner;

  // S, then m', r, O = O r, P, l, P16
  score_row(row, keys);
  if (observer_ != nullptr) keep_scores(keys);
  const uint32_t factor =
      softmax_row(machine_, terms, row, keys, {scores_.data(), scaled_.data()}, kept, state, o);
  cast_row(terms, row, keys);

  // O = O + P16.V
  switch (plan_.accumulator) {
    case Accumulator::registers: accumulate(row, keys, o, o); break;
    case Accumulator::memory:
    case Accumulator::tile_products:
      std::fill(update_.begin(), update_.end(), 0);
      accumulate(row, keys, update_.data(), update_.data());
      break;
  }
  join_product(machine_, row, factor, last, kept, {o, update_.data()}, state);
  if (observer_ != nullptr) show_row(terms, row, keys);
}

template <class Sink>
void ForwardPass<Sink>::keep_scores(const KeySpan& keys) {
  shown_.assign(static_cast<size_t>(keys.count), minus_infinity32);
  std::copy(scores_.begin() + keys.begin, scores_.begin() + keys.end, shown_.begin() + keys.begin);
}

template <class Sink>
void ForwardPass<Sink>::show_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys) {
  const RowState& state = states_[static_cast<size_t>(row)];
  observer_->after_tile({.row = terms.row,
                         .first_key = keys.first,
                         .maximum = state.maximum,
                         .scores = shown_,
                         .lane_sums = state.lane_sums,
                         .output = {running(row), static_cast<size_t>(plan_.problem.dim)}});
}

template <class Sink>
void ForwardPass<Sink>::score_row(int64_t row, const KeySpan& keys) {
  const int64_t dim = plan_.problem.dim;
  const ChainRow q{q_, row, 0};
  sums_.start_at_zero(keys.end - keys.begin);
  const auto chains = [&]() -> const ChainSums& {
    return machine_.chains(q, {head_.k, keys.first + keys.begin, 0}, dim, sums_);
  };
  machine_.at(Site::scores, [&](auto step) {
    keep_sums(step, detail::seen_elements(row, keys), scores_.data() + keys.begin, chains, [&] {
      return ExactDots(q, {k_tile_, keys.begin}, dim);
    });
  });
}

template <class Sink>
void ForwardPass<Sink>::cast_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys) {
  uint32_t* const p = scores_.data();  // 0 for hidden keys
  if (observer_ != nullptr) scaled_.assign(scores_.begin(), scores_.end());
  machine_.at(Site::probability_cast, [&](auto step) {
    cast_elements(step, detail::seen_elements(row, keys), p + keys.begin);
  });
  p_.reset_specials();
  p_.set_registers(0, {p, static_cast<size_t>(keys.count)});
  if (observer_ == nullptr) return;
  const auto count = static_cast<size_t>(keys.count);
  observer_->probabilities({.row = terms.row,
                            .first_key = keys.first,
                            .maximum = states_[static_cast<size_t>(row)].maximum,
                            .unrounded = std::span(scaled_).first(count),
                            .cast = std::span(scores_).first(count)});
}

// to = from + P16.V
template <class Sink>
void ForwardPass<Sink>::accumulate(int64_t row, const KeySpan& keys, const uint32_t* from,
                                   uint32_t* to) {
  const int64_t dim = plan_.problem.dim;
  // Where V holds an infinity or NaN, hidden keys count too: 0 times it is NaN.
  const int64_t length = head_.v.any_special(0, dim) ? keys.count : keys.end;
  const ChainRow p{p_, 0, 0};
  sums_.start_at(from, dim);
  const auto chains = [&]() -> const ChainSums& {
    return machine_.chains(p, {head_.v, 0, keys.first}, length, sums_);
  };
  machine_.at(Site::output_accumulate, [&](auto step) {
    keep_sums(step, {row, 0, dim}, to, chains, [&] {
      return ExactDots(p, {v_tile_, 0, from}, length);
    });
  });
}

template class ForwardPass<NullSink>;
template class ForwardPass<ScalarSink>;
template class ForwardPass<TileLog>;
template class ForwardPass<HistorySink>;

}  // namespace ulpscope
