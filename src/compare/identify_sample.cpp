#include "identify_sample.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

void add_element(const Format& format, size_t at, uint32_t value, SomeOutput& to) {
  to.where.push_back(at);
  to.codes.push_back(static_cast<uint32_t>(code_of(format, value)));
}

// The sampled rows start at multiples of this, whatever the tiles, so that all candidates have the
// same rows.
constexpr int64_t row_step = 128;

// A row tile from its start to its last sampled row, of which the first ones are not in the sample:
// the walk of a tile begins where the tile does.
struct SampledTile {
  TileRows rows;
  int64_t skipped;
};

SampledTile sampled_tile(const Plan& plan, int64_t head, int64_t row, int64_t count) {
  const Problem& p = plan.problem;
  const int64_t first = row / plan.tile_rows * plan.tile_rows;
  const int64_t end = std::min({row + count, first + plan.tile_rows, p.rows});
  return {{head / p.heads, head % p.heads, first, end - first}, row - first};
}

// The first rows of the last step and of one in the middle, of the first head and the last.
std::vector<SampledTile> sampled_tiles(const Plan& plan, const SampledRows& rows) {
  const Problem& p = plan.problem;
  if (rows.only) return {sampled_tile(plan, *rows.only / p.rows, *rows.only % p.rows, 1)};
  std::vector<int64_t> heads{0};
  if (p.batch * p.heads > 1) heads.push_back(p.batch * p.heads - 1);
  std::vector<int64_t> starts{(p.rows - 1) / row_step * row_step};
  if (starts[0] > 0) starts.push_back(starts[0] / 2 / row_step * row_step);
  const auto each =
      std::max<int64_t>(1, rows.count / static_cast<int64_t>(heads.size() * starts.size()));
  std::vector<SampledTile> all;
  for (const int64_t head : heads) {
    for (const int64_t row : starts) all.push_back(sampled_tile(plan, head, row, each));
  }
  return all;
}

}  // namespace

SampledHeads sampled_heads(const Plan& plan, const SampledRows& rows) {
  const int64_t group = plan.problem.heads / plan.problem.kv_heads;
  SampledHeads result{.tile_keys = plan.tile_keys, .heads = {}};
  for (const auto& [tile, _] : sampled_tiles(plan, rows)) {
    const std::pair at{tile.batch, tile.head};
    if (result.heads.contains(at)) continue;
    result.heads.emplace(at, decode_head(plan, tile.batch, tile.head / group));
  }
  return result;
}

SomeOutputs sampled_forward(const Plan& plan, const SampledHeads& heads, const SampledRows& rows,
                            const Observation& seen) {
  const Problem& p = plan.problem;
  SomeOutput o{.output = Output::o, .where = {}, .codes = {}};
  SomeOutput lse{.output = Output::lse, .where = {}, .codes = {}};
  NullSink sink;
  TileOutput output;
  for (const auto& [tile, skipped_rows] : sampled_tiles(plan, rows)) {
    ForwardPass<NullSink> pass(plan, heads.heads.at({tile.batch, tile.head}), sink);
    pass.run(tile, output);
    const auto first =
        static_cast<size_t>((tile.batch * p.heads + tile.head) * p.rows + tile.first);
    const auto skipped = static_cast<size_t>(skipped_rows);
    const auto dim = static_cast<size_t>(p.dim);
    for (size_t i = skipped * dim; i < output.o.size(); ++i) {
      add_element(stored_format(plan, Output::o), first * dim + i, output.o[i], o);
    }
    for (size_t i = skipped; i < output.lse.size(); ++i) {
      add_element(stored_format(plan, Output::lse), first + i, output.lse[i], lse);
    }
  }
  SomeOutputs result;
  if (wants(seen, Output::o)) result.push_back(std::move(o));
  if (wants(seen, Output::lse)) result.push_back(std::move(lse));
  return result;
}

// The last row sees the most keys under a causal mask, the first key is seen by the most rows. A
// few of both lie in one tile, whatever the sizes of tiles.
SampledGradients default_gradients(const Problem& problem) {
  constexpr int64_t smallest_tile = 32;
  return {.kv_head = 0,
          .first_row = (problem.rows - 1) / smallest_tile * smallest_tile,
          .first_key = 0,
          .count = smallest_tile};
}

namespace {

WantedTiles wanted_tiles(const BackwardPlan& plan, const SampledGradients& which,
                         const Observation& seen) {
  constexpr int64_t none = -1;
  const bool keys = wants(seen, Output::dk) || wants(seen, Output::dv);
  return {.row_tile = wants(seen, Output::dq) ? which.first_row / plan.tile_rows : none,
          .key_tile = keys ? which.first_key / plan.tile_keys : none};
}

}  // namespace

ForwardOutput group_forward(const BackwardPlan& plan, const SampledGradients& which,
                            const Observation& seen, const IdentifyOptions& options) {
  const WantedTiles wanted = wanted_tiles(plan, which, seen);
  const bool folded = plan.plan->problem.rows != plan.problem.rows;
  if (wanted.key_tile >= 0 || folded) return whole_forward(*plan.plan, options);
  const int64_t first = wanted.row_tile * plan.tile_rows;
  return forward_of_rows(*plan.plan, first, std::min(first + plan.tile_rows, plan.problem.rows));
}

SomeOutputs sampled_gradients(BackwardPlan plan, const ForwardOutput& forward,
                              const SampledGradients& which, const Observation& seen,
                              const IdentifyOptions& options) {
  const Problem& p = plan.problem;
  plan.wanted = wanted_tiles(plan, which, seen);
  const auto q_first = static_cast<size_t>(which.kv_head) * p.q.size();
  const Gradients gradients = run_backward(
      plan,
      {.dout = seen.dout.subspan(q_first, p.q.size()), .o = forward.o, .lse = forward.statistic},
      {.threads = options.threads, .logging = Logging::off, .stop = options.stop});
  SomeOutputs result;
  for (const Output output : gradient_outputs) {
    if (!wants(seen, output)) continue;
    const bool by_row = output == Output::dq;
    const int64_t length = by_row ? p.rows : p.keys;
    const int64_t first = by_row ? which.first_row : which.first_key;
    const size_t before = by_row ? q_first : static_cast<size_t>(which.kv_head) * p.k.size();
    SomeOutput some{.output = output, .where = {}, .codes = {}};
    for (int64_t head = 0; head < (by_row ? p.heads : 1); ++head) {
      for (int64_t i = first; i < std::min(first + which.count, length); ++i) {
        for (int64_t d = 0; d < p.dim; ++d) {
          const auto at = static_cast<size_t>((head * length + i) * p.dim + d);
          add_element(stored_format(*plan.plan, output), before + at,
                      gradient_of(gradients, output)[at], some);
        }
      }
    }
    result.push_back(std::move(some));
  }
  return result;
}

}  // namespace ulpscope
