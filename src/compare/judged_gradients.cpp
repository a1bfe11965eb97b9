#include "ulpscope/compare/judged_gradients.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/reachable.hpp"

#include <memory>
#include <mutex>

#include "pair_judge.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr int64_t rows_together = 64;  // of a task

// A gradient, or delta: what the pass left of it, what it should be, and how it is judged.
struct Judgement {
  Judging judging;
  Format stored;
  Format ulps;
  const std::vector<uint32_t>& registers;
  const std::vector<double>& reference;
  int64_t first;  // the whole's number of the first head
  int64_t outer;  // heads of all batches
  int64_t rows;   // of a head
  int64_t columns;
  int64_t row_tile;
};

// Rows [first, end) of a head.
void judge_rows(const Judgement& j, int64_t outer, int64_t first, int64_t end,
                std::vector<float>& ulp, ErrorTally& tally) {
  std::vector<double> values(static_cast<size_t>(j.columns));
  for (int64_t row = first; row < end; ++row) {
    const auto at = static_cast<size_t>((outer * j.rows + row) * j.columns);
    for (size_t c = 0; c < values.size(); ++c) values[c] = to_double(j.registers[at + c]);
    tally.add_row(j.ulps, j.first + outer, row, values.data(), &j.reference[at], &ulp[at]);
  }
}

JudgedTensor judged(const Judgement& j) {
  const auto tally = [&] { return ErrorTally(j.rows, j.columns, j.row_tile, Heads::apart); };
  JudgedTensor tensor{.codes = j.registers, .ulp = {}, .errors = tally()};
  if (!(j.stored == fp32)) {
    for (auto& code : tensor.codes) code = static_cast<uint32_t>(code_of(j.stored, code));
  }
  if (j.judging == Judging::off) return tensor;
  tensor.ulp.resize(j.registers.size());
  std::mutex mutex;
  tbb::parallel_for(int64_t{0}, j.outer, [&](int64_t outer) {
    ErrorTally head = tally();
    std::mutex head_mutex;
    tbb::parallel_for(int64_t{0}, (j.rows + rows_together - 1) / rows_together, [&](int64_t i) {
      const HostFpGuard guard;
      ErrorTally block = tally();
      judge_rows(j, outer, i * rows_together, std::min((i + 1) * rows_together, j.rows), tensor.ulp,
                 block);
      const std::lock_guard lock(head_mutex);
      head.merge(block);
    });
    head.close_head();
    const std::lock_guard lock(mutex);
    tensor.errors.merge(head);
  });
  return tensor;
}

JudgedGradients judge(const BackwardPlan& plan, const Gradients& gradients,
                      const GradientReference& reference, Judging judging) {
  const Problem& p = plan.problem;
  const auto format = [&](Site site) { return plan.plan->map[site].format; };
  const auto by_rows = [&](Format stored, Format ulps, const auto& registers, const auto& values,
                           int64_t columns) {
    return judged({judging, stored, ulps, registers, values, first_head(p), p.batch * p.heads,
                   p.rows, columns, plan.tile_rows});
  };
  const auto by_keys = [&](Format stored, const auto& registers, const auto& values) {
    return judged({judging, stored, stored, registers, values, p.part_of.first,
                   p.batch * p.kv_heads, p.keys, p.dim, plan.tile_keys});
  };
  const Format dq = format(Site::dq_store);
  return {.dq = by_rows(dq, dq, gradients.dq, reference.dq, p.dim),
          .dk = by_keys(format(Site::dk_store), gradients.dk, reference.dk),
          .dv = by_keys(format(Site::dv_store), gradients.dv, reference.dv),
          .delta = by_rows(fp32, format(Site::output_store), gradients.delta, reference.delta, 1),
          .pairs = {},
          .reference = reference.report,
          .sites = gradients.sites,
          .unordered_dq = has_unordered_dq(plan),
          .complete = gradients.complete};
}

}  // namespace

JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const JudgedOptions& options) {
  GradientReference reference;
  switch (options.judging) {
    case Judging::off: break;
    case Judging::on:
      reference =
          gradient_reference(plan, dout, {.threads = options.threads, .stop = options.stop});
      break;
  }
  return run_judged_gradients(plan, dout, run, reference, options);
}

JudgedGradients run_judged_gradients(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const JudgedRun& run, const GradientReference& reference,
                                     const JudgedOptions& options) {
  std::vector<uint32_t> o(run.o.size());
  std::transform(run.o.begin(), run.o.end(), o.begin(), [&](uint32_t code) {
    return detail::widened(plan.plan->map[Site::output_store].format, code);
  });
  JudgedPairs pairs;
  SharedPairs shared{pairs};
  BackwardOptions backward{.threads = options.threads,
                           .logging = options.logging,
                           .progress = options.progress,
                           .stop = options.stop};
  if (options.logging == Logging::on && options.judging == Judging::on) {
    backward.observe = [&](int64_t batch, int64_t head) {
      return std::make_unique<PairJudge>(plan, dout, batch * plan.problem.heads + head, reference,
                                         shared);
    };
  }
  const Gradients gradients =
      run_backward(plan, {.dout = dout, .o = o, .lse = run.statistic}, backward);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  JudgedGradients result =
      arena.execute([&] { return judge(plan, gradients, reference, options.judging); });
  result.pairs = pairs;
  return result;
}

}  // namespace ulpscope
