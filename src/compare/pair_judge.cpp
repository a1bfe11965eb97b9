#include "pair_judge.hpp"

#include "ulpscope/base/host_fp.hpp"

namespace ulpscope {

void PairJudge::Tally::add_row(const Format& format, const PairRow& pairs, const uint32_t* values,
                               const std::vector<double>& references) {
  Cluster& row = rows[static_cast<size_t>(pairs.row)];
  for (size_t j = 0; j < references.size(); ++j) {
    const Record record = output_record(format, to_double(values[j]), references[j]);
    moments.add(record);
    row.add(record);
    columns[static_cast<size_t>(pairs.first_key) + j].add(record);
  }
}

void PairJudge::Tally::merge(const Tally& other) {
  moments.merge(other.moments);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].merge(other.rows[i]);
  for (size_t i = 0; i < columns.size(); ++i) columns[i].merge(other.columns[i]);
}

void PairJudge::Tally::fold_into(ErrorStatistics& statistics) {
  statistics.moments.merge(moments);
  fold_and_clear(rows, statistics.rows);
  fold_and_clear(columns, statistics.columns);
}

PairJudge::PairJudge(const BackwardPlan& plan, std::span<const uint16_t> dout, int64_t outer,
                     const GradientReference& reference, SharedPairs& shared)
    : plan_(plan),
      head_(plan, dout, outer),
      rows_(std::span(reference.rows)
                .subspan(static_cast<size_t>(outer * plan.problem.rows),
                         static_cast<size_t>(plan.problem.rows))),
      shared_(shared),
      tallies_([&plan] { return Tallies(plan.problem); }) {}

PairJudge::~PairJudge() {
  Tallies all(plan_.problem);
  for (const Tallies& tallies : tallies_) {
    all.p.merge(tallies.p);
    all.dp.merge(tallies.dp);
    all.ds.merge(tallies.ds);
  }
  const std::lock_guard lock(shared_.mutex);
  all.p.fold_into(shared_.result.p);
  all.dp.fold_into(shared_.result.dp);
  all.ds.fold_into(shared_.result.ds);
}

void PairJudge::row(const PairRow& pairs) {
  const HostFpGuard guard;
  Tallies& tallies = tallies_.local();
  WidePairs& reference = tallies.reference;
  wide_gradient_pairs(head_.view(), pairs.row, rows_[static_cast<size_t>(pairs.row)],
                      {pairs.first_key, pairs.first_key + pairs.count}, reference);
  if (plan_.rules->scale == GradientScale::inside) {
    const double scale = to_double(plan_.problem.scale);
    for (double& x : reference.ds) x *= scale;
  }
  const PrecisionMap& map = plan_.plan->map;
  tallies.p.add_row(map[Site::bwd_probability_cast].format, pairs, pairs.p, reference.p);
  tallies.dp.add_row(map[Site::dp].format, pairs, pairs.dp, reference.dp);
  tallies.ds.add_row(map[Site::ds_cast].format, pairs, pairs.ds, reference.ds);
}

}  // namespace ulpscope
