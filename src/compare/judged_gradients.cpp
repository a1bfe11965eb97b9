#include "ulpscope/compare/judged_gradients.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/reachable.hpp"
#include "ulpscope/reference/wide_gradients.hpp"

#include <memory>
#include <mutex>

#include "decoded_head.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

// Rows of a tally that are judged together; those of a row tile of the heat map.
constexpr int64_t rows_together = 64;

// Rows of one head of a tensor, in the ulps of a format.
struct Rows {
  const std::vector<uint32_t>& registers;
  JudgedTensor& tensor;
  Format ulps;
  int64_t outer;
  int64_t rows;  // of a head
  int64_t columns;
};

void judge_row(const Rows& rows, int64_t row, const double* references, ErrorTally& tally) {
  std::vector<double> values(static_cast<size_t>(rows.columns));
  const auto from = static_cast<size_t>((rows.outer * rows.rows + row) * rows.columns);
  for (size_t c = 0; c < values.size(); ++c) values[c] = to_double(rows.registers[from + c]);
  tally.add_row(rows.ulps, rows.outer, row, values.data(), references, &rows.tensor.ulp[from]);
}

struct Shared {
  const BackwardPlan& plan;
  std::span<const uint16_t> dout;
  const Gradients& gradients;
  JudgedGradients& result;
};

JudgedTensor tensor_of(const Format& format, const std::vector<uint32_t>& registers, int64_t rows,
                       int64_t columns, int64_t row_tile) {
  JudgedTensor tensor{.codes = registers,
                      .ulp = std::vector<float>(registers.size()),
                      .errors = ErrorTally(rows, columns, row_tile)};
  if (!(format == fp32)) {
    for (auto& code : tensor.codes) code = static_cast<uint32_t>(code_of(format, code));
  }
  return tensor;
}

// dQ and delta of one query head; what its rows leave for the keys.
std::vector<WideRowSummary> judge_query_head(Shared& shared, int64_t outer,
                                             const GradientHead& head) {
  const BackwardPlan& plan = shared.plan;
  const Problem& p = plan.problem;
  const PrecisionMap& map = plan.plan->map;
  const Rows dq_rows{
      shared.gradients.dq, shared.result.dq, map[Site::dq_store].format, outer, p.rows, p.dim};
  const Rows delta_rows{shared.gradients.delta,
                        shared.result.delta,
                        map[Site::output_store].format,
                        outer,
                        p.rows,
                        1};
  std::vector<WideRowSummary> summaries(static_cast<size_t>(p.rows));
  ErrorTally dq(p.rows, p.dim, plan.tile_rows);
  ErrorTally delta(p.rows, 1, plan.tile_rows);
  std::mutex mutex;
  const int64_t blocks = (p.rows + rows_together - 1) / rows_together;
  tbb::parallel_for(int64_t{0}, blocks, [&](int64_t block) {
    const HostFpGuard guard;
    ErrorTally block_dq(p.rows, p.dim, plan.tile_rows);
    ErrorTally block_delta(p.rows, 1, plan.tile_rows);
    WideGradientRow row;
    const int64_t end = std::min((block + 1) * rows_together, p.rows);
    for (int64_t i = block * rows_together; i < end; ++i) {
      wide_gradient_row(head, i, row);
      summaries[static_cast<size_t>(i)] = row.summary;
      judge_row(dq_rows, i, row.dq.data(), block_dq);
      judge_row(delta_rows, i, &row.delta, block_delta);
    }
    const std::lock_guard lock(mutex);
    dq.merge(block_dq);
    delta.merge(block_delta);
  });
  dq.close_head();
  delta.close_head();
  shared.result.dq.errors.merge(dq);
  shared.result.delta.errors.merge(delta);
  return summaries;
}

// dK and dV of one K/V head, from all the query heads that share it.
void judge_group(Shared& shared, int64_t batch, int64_t kv_head) {
  const BackwardPlan& plan = shared.plan;
  const Problem& p = plan.problem;
  const int64_t group = p.heads / p.kv_heads;
  std::vector<std::unique_ptr<DecodedHead>> heads;
  std::vector<std::vector<double>> douts;
  std::vector<std::vector<WideRowSummary>> summaries;
  for (int64_t g = 0; g < group; ++g) {
    const int64_t head = kv_head * group + g;
    const int64_t outer = batch * p.heads + head;
    const auto size = static_cast<size_t>(p.rows * p.dim);
    heads.push_back(std::make_unique<DecodedHead>(plan, batch, head));
    douts.push_back(
        decoded(p.format, shared.dout.subspan(static_cast<size_t>(outer) * size, size)));
    summaries.push_back(judge_query_head(
        shared, outer, {.head = heads.back()->view(), .dout = douts.back().data()}));
  }
  const int64_t outer = batch * p.kv_heads + kv_head;
  const PrecisionMap& map = plan.plan->map;
  const Rows dk_rows{
      shared.gradients.dk, shared.result.dk, map[Site::dk_store].format, outer, p.keys, p.dim};
  const Rows dv_rows{
      shared.gradients.dv, shared.result.dv, map[Site::dv_store].format, outer, p.keys, p.dim};
  ErrorTally dk(p.keys, p.dim, plan.tile_keys);
  ErrorTally dv(p.keys, p.dim, plan.tile_keys);
  std::mutex mutex;
  const int64_t blocks = (p.keys + rows_together - 1) / rows_together;
  tbb::parallel_for(int64_t{0}, blocks, [&](int64_t block) {
    const HostFpGuard guard;
    const KeyRange keys{block * rows_together, std::min((block + 1) * rows_together, p.keys)};
    WideKeyGradients total;
    WideKeyGradients one;
    for (size_t g = 0; g < heads.size(); ++g) {
      wide_key_gradients({.head = heads[g]->view(), .dout = douts[g].data()}, summaries[g], keys,
                         one);
      add_head(one, total);
    }
    ErrorTally block_dk(p.keys, p.dim, plan.tile_keys);
    ErrorTally block_dv(p.keys, p.dim, plan.tile_keys);
    for (int64_t j = keys.first; j < keys.last; ++j) {
      const auto at = static_cast<size_t>((j - keys.first) * p.dim);
      judge_row(dk_rows, j, &total.dk[at], block_dk);
      judge_row(dv_rows, j, &total.dv[at], block_dv);
    }
    const std::lock_guard lock(mutex);
    dk.merge(block_dk);
    dv.merge(block_dv);
  });
  dk.close_head();
  dv.close_head();
  shared.result.dk.errors.merge(dk);
  shared.result.dv.errors.merge(dv);
}

}  // namespace

JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const JudgedOptions& options) {
  const Problem& p = plan.problem;
  const PrecisionMap& map = plan.plan->map;
  std::vector<uint32_t> o(run.o.size());
  std::transform(run.o.begin(), run.o.end(), o.begin(), [&](uint32_t code) {
    return detail::widened(map[Site::output_store].format, code);
  });
  const Gradients gradients = run_backward(plan, {.dout = dout, .o = o, .lse = run.statistic},
                                           {.threads = options.threads,
                                            .logging = options.logging,
                                            .progress = options.progress,
                                            .stop = options.stop});
  JudgedGradients result{
      .dq = tensor_of(map[Site::dq_store].format, gradients.dq, p.rows, p.dim, plan.tile_rows),
      .dk = tensor_of(map[Site::dk_store].format, gradients.dk, p.keys, p.dim, plan.tile_keys),
      .dv = tensor_of(map[Site::dv_store].format, gradients.dv, p.keys, p.dim, plan.tile_keys),
      .delta = tensor_of(fp32, gradients.delta, p.rows, 1, plan.tile_rows),
      .sites = gradients.sites,
      .unordered_dq = has_unordered_dq(plan),
      .complete = gradients.complete};
  if (!result.complete) return result;
  Shared shared{.plan = plan, .dout = dout, .gradients = gradients, .result = result};
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    for (int64_t i = 0; i < p.batch * p.kv_heads; ++i) {
      judge_group(shared, i / p.kv_heads, i % p.kv_heads);
    }
  });
  return result;
}

}  // namespace ulpscope
