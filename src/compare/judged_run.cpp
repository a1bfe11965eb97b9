#include "ulpscope/compare/judged_run.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/correct_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "decoded_head.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

struct Shared {
  const Plan& plan;
  const ForwardReference& reference;
  Judging judging;
  std::span<const RowKind> row_kinds;
  JudgedRun& result;
  std::mutex mutex{};
};

class JudgedHead : public HeadObserver {
 public:
  JudgedHead(Shared& shared, int64_t batch, int64_t head)
      : shared_(shared),
        outer_(batch * shared.plan.problem.heads + head),
        o_errors_(o_tally(shared.plan)),
        lse_errors_(lse_tally(shared.plan)),
        o_by_rows_(shared.plan.problem.rows, shared.plan.problem.dim) {}
  JudgedHead(const JudgedHead&) = delete;
  JudgedHead& operator=(const JudgedHead&) = delete;
  ~JudgedHead() override {
    o_errors_.close_head();
    lse_errors_.close_head();
    o_by_rows_.close_head();
    const std::lock_guard lock(shared_.mutex);
    shared_.result.o_errors.merge(o_errors_);
    shared_.result.lse_errors.merge(lse_errors_);
    shared_.result.o_by_rows.merge(o_by_rows_);
  }

  static ErrorTally o_tally(const Plan& plan) {
    return {plan.problem.rows, plan.problem.dim, plan.tile_rows, Heads::apart};
  }
  static ErrorTally lse_tally(const Plan& plan) {
    return {plan.problem.rows, 1, plan.tile_rows, Heads::apart};
  }

  void tile(const TileRows& rows, const TileOutput& output) override {
    keep(rows, output);
    switch (shared_.judging) {
      case Judging::off: break;
      case Judging::on: judge(rows, output); break;
    }
  }

 private:
  // Of the whole run's rows, the r-th of a tile.
  size_t place(const TileRows& rows, int64_t r) const {
    return static_cast<size_t>(outer_ * shared_.plan.problem.rows + rows.first + r);
  }

  void keep(const TileRows& rows, const TileOutput& output) {
    const Plan& plan = shared_.plan;
    const auto dim = static_cast<size_t>(plan.problem.dim);
    const size_t first = place(rows, 0);
    for (size_t i = 0; i < static_cast<size_t>(rows.count) * dim; ++i) {
      shared_.result.o[first * dim + i] = static_cast<uint32_t>(output_code(plan, output.o[i]));
    }
    for (size_t r = 0; r < static_cast<size_t>(rows.count); ++r) {
      shared_.result.lse[first + r] = output.lse[r];
      shared_.result.statistic[first + r] = output.statistic()[r];
    }
  }

  void judge(const TileRows& rows, const TileOutput& output) {
    const HostFpGuard guard;
    const Plan& plan = shared_.plan;
    const ForwardReference& reference = shared_.reference;
    const int64_t dim = plan.problem.dim;
    const int64_t head = first_head(plan.problem) + outer_;
    const Format& o_format = plan.map[Site::output_store].format;
    auto o_errors = o_tally(plan);
    auto lse_errors = lse_tally(plan);
    ErrorsByRows by_rows(plan.problem.rows, dim);
    std::vector<double> values(static_cast<size_t>(dim));
    for (int64_t r = 0; r < rows.count; ++r) {
      const size_t at = place(rows, r);
      const auto o_at = at * static_cast<size_t>(dim);
      for (int64_t d = 0; d < dim; ++d) {
        values[static_cast<size_t>(d)] = to_double(output.o[static_cast<size_t>(r * dim + d)]);
      }
      o_errors.add_row(o_format, head, rows.first + r, values.data(), &reference.o[o_at],
                       &shared_.result.o_ulp[o_at]);
      const auto add = [&](ErrorTally& tally) {
        tally.add_row(o_format, head, rows.first + r, values.data(), &reference.o[o_at], nullptr);
      };
      switch (kind(at)) {
        case RowKind::at_risk: add(by_rows.at_risk); [[fallthrough]];
        case RowKind::tied: add(by_rows.tied); break;
        case RowKind::plain: break;
      }
      const double lse = to_double(output.lse[static_cast<size_t>(r)]);
      lse_errors.add_row(fp32, head, rows.first + r, &lse, &reference.lse[at],
                         &shared_.result.lse_ulp[at]);
    }
    const std::lock_guard lock(mutex_);
    o_errors_.merge(o_errors);
    lse_errors_.merge(lse_errors);
    o_by_rows_.merge(by_rows);
  }

  RowKind kind(size_t row) const {
    return shared_.row_kinds.empty() ? RowKind::plain : shared_.row_kinds[row];
  }

  Shared& shared_;
  int64_t outer_;
  std::mutex mutex_;
  ErrorTally o_errors_;
  ErrorTally lse_errors_;
  ErrorsByRows o_by_rows_;
};

// The engine `reference`: every row correctly rounded.
bool run_reference(const Plan& plan, Shared& shared, const JudgedOptions& options) {
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;
  const auto& o_format = plan.map[Site::output_store].format;
  const auto tile = [&](const DecodedHead& operands, JudgedHead& head, const TileRows& rows) {
    const HostFpGuard guard;
    TileOutput output;
    CorrectRow row;
    for (int64_t r = 0; r < rows.count; ++r) {
      correctly_rounded_attention_row(operands.view(), rows.first + r, {o_format, fp32}, row);
      for (const uint64_t code : row.o) output.o.push_back(detail::widened(o_format, code));
      output.lse.push_back(detail::widened(fp32, row.lse));
    }
    head.tile(rows, output);
    const int64_t count = ++done;
    if (options.progress) options.progress(count);
  };
  for (int64_t i = 0; i < plan.problem.batch * plan.problem.heads; ++i) {
    const int64_t batch = i / plan.problem.heads;
    const DecodedHead operands(plan, batch, i % plan.problem.heads);
    JudgedHead head(shared, batch, i % plan.problem.heads);
    tbb::parallel_for(int64_t{0}, plan.row_tiles(), [&](int64_t t) {
      if (options.stop != nullptr && *options.stop) {
        complete = false;
        return;
      }
      const int64_t first = t * plan.tile_rows;
      tile(operands, head,
           {batch, i % plan.problem.heads, first,
            std::min(plan.tile_rows, plan.problem.rows - first)});
    });
  }
  return complete;
}

}  // namespace

ErrorsByRows::ErrorsByRows(int64_t rows, int64_t columns)
    : tied(rows, columns, rows, Heads::apart), at_risk(rows, columns, rows, Heads::apart) {}

void ErrorsByRows::merge(const ErrorsByRows& other) {
  tied.merge(other.tied);
  at_risk.merge(other.at_risk);
}

void ErrorsByRows::close_head() {
  tied.close_head();
  at_risk.close_head();
}

JudgedRun run_judged(const Plan& plan, const JudgedOptions& options) {
  ForwardReference reference;
  switch (options.judging) {
    case Judging::off: break;
    case Judging::on:
      reference = forward_reference(plan, {.threads = options.threads, .stop = options.stop});
      break;
  }
  return run_judged(plan, reference, options);
}

JudgedRun run_judged(const Plan& plan, const ForwardReference& reference,
                     const JudgedOptions& options) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  const size_t judged_rows = options.judging == Judging::on ? rows : 0;
  JudgedRun result{.o = std::vector<uint32_t>(rows * static_cast<size_t>(p.dim)),
                   .lse = std::vector<uint32_t>(rows),
                   .statistic = std::vector<uint32_t>(rows),
                   .o_ulp = std::vector<float>(judged_rows * static_cast<size_t>(p.dim)),
                   .lse_ulp = std::vector<float>(judged_rows),
                   .sites = {},
                   .o_errors = JudgedHead::o_tally(plan),
                   .lse_errors = JudgedHead::lse_tally(plan),
                   .o_by_rows = ErrorsByRows(p.rows, p.dim),
                   .reference = reference.report};
  Shared shared{.plan = plan,
                .reference = reference,
                .judging = options.judging,
                .row_kinds = options.row_kinds,
                .result = result};
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    switch (plan.recipe->engine) {
      case Engine::tiled: {
        const auto driven =
            options.forward(plan, {.threads = options.threads,
                                   .logging = options.logging,
                                   .observe =
                                       [&](int64_t batch, int64_t head) {
                                         return std::make_unique<JudgedHead>(shared, batch, head);
                                       },
                                   .progress = options.progress,
                                   .stop = options.stop});
        result.sites = driven.sites;
        result.complete = driven.complete;
        break;
      }
      case Engine::reference: result.complete = run_reference(plan, shared, options); break;
    }
  });
  return result;
}

}  // namespace ulpscope
