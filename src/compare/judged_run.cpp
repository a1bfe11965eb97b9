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

// Up to here `exact` judges every element: 4096 scores take it about a tenth of a second.
constexpr int64_t small_problem_scores = 4096;
constexpr int64_t sampled_elements = 1000;

struct Shared {
  const Plan& plan;
  bool exact_everywhere;
  JudgedRun& result;
  std::mutex mutex{};
};

// A row's reference values, from whichever of the two judges this run.
class Judge {
 public:
  void row(const ReferenceHead& head, int64_t row, bool exact) {
    if (!exact) {
      wide_attention_row(head, row, wide_);
      return;
    }
    exact_attention_row(head, row, exact_);
    wide_.o.resize(exact_.o.size());
    std::transform(exact_.o.begin(), exact_.o.end(), wide_.o.begin(),
                   [](const TwoDoubles& x) { return x.hi; });
    wide_.lse = exact_.lse.hi;
  }
  const std::vector<double>& o() const { return wide_.o; }
  const double& lse() const { return wide_.lse; }

 private:
  WideRow wide_;
  ExactRow exact_;
};

class JudgedHead : public HeadObserver {
 public:
  JudgedHead(Shared& shared, int64_t batch, int64_t head)
      : shared_(shared),
        outer_(batch * shared.plan.problem.heads + head),
        head_(shared.plan, batch, head),
        o_errors_(o_tally(shared.plan)),
        lse_errors_(lse_tally(shared.plan)) {}
  JudgedHead(const JudgedHead&) = delete;
  JudgedHead& operator=(const JudgedHead&) = delete;
  ~JudgedHead() override {
    o_errors_.close_head();
    lse_errors_.close_head();
    const std::lock_guard lock(shared_.mutex);
    shared_.result.o_errors.merge(o_errors_);
    shared_.result.lse_errors.merge(lse_errors_);
  }

  static ErrorTally o_tally(const Plan& plan) {
    return {plan.problem.rows, plan.problem.dim, plan.tile_rows};
  }
  static ErrorTally lse_tally(const Plan& plan) { return {plan.problem.rows, 1, plan.tile_rows}; }

  const ReferenceHead& reference() const { return head_.view(); }

  void tile(const TileRows& rows, const TileOutput& output) override {
    const HostFpGuard guard;
    const Plan& plan = shared_.plan;
    const int64_t dim = plan.problem.dim;
    const Format& o_format = plan.map[Site::output_store].format;
    auto o_errors = o_tally(plan);
    auto lse_errors = lse_tally(plan);
    Judge judge;
    std::vector<double> values(static_cast<size_t>(dim));
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t row = rows.first + r;
      const auto at = static_cast<size_t>(outer_ * plan.problem.rows + row);
      const auto o_at = at * static_cast<size_t>(dim);
      judge.row(head_.view(), row, shared_.exact_everywhere);
      for (int64_t d = 0; d < dim; ++d) {
        const uint32_t o = output.o[static_cast<size_t>(r * dim + d)];
        values[static_cast<size_t>(d)] = to_double(o);
        shared_.result.o[o_at + static_cast<size_t>(d)] =
            static_cast<uint32_t>(output_code(plan, o));
      }
      o_errors.add_row(o_format, outer_, row, values.data(), judge.o().data(),
                       &shared_.result.o_ulp[o_at]);
      const uint32_t lse = output.lse[static_cast<size_t>(r)];
      const double lse_value = to_double(lse);
      shared_.result.lse[at] = lse;
      shared_.result.statistic[at] = output.statistic()[static_cast<size_t>(r)];
      lse_errors.add_row(fp32, outer_, row, &lse_value, &judge.lse(), &shared_.result.lse_ulp[at]);
    }
    const std::lock_guard lock(mutex_);
    o_errors_.merge(o_errors);
    lse_errors_.merge(lse_errors);
  }

 private:
  Shared& shared_;
  int64_t outer_;
  DecodedHead head_;
  std::mutex mutex_;
  ErrorTally o_errors_;
  ErrorTally lse_errors_;
};

// The engine `reference`: every row correctly rounded.
bool run_reference(const Plan& plan, Shared& shared, const JudgedOptions& options) {
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;
  const auto& o_format = plan.map[Site::output_store].format;
  const auto tile = [&](JudgedHead& head, const TileRows& rows) {
    const HostFpGuard guard;
    TileOutput output;
    CorrectRow row;
    for (int64_t r = 0; r < rows.count; ++r) {
      correctly_rounded_attention_row(head.reference(), rows.first + r, {o_format, fp32}, row);
      for (const uint64_t code : row.o) output.o.push_back(detail::widened(o_format, code));
      output.lse.push_back(detail::widened(fp32, row.lse));
    }
    head.tile(rows, output);
    const int64_t count = ++done;
    if (options.progress) options.progress(count);
  };
  for (int64_t i = 0; i < plan.problem.batch * plan.problem.heads; ++i) {
    const int64_t batch = i / plan.problem.heads;
    JudgedHead head(shared, batch, i % plan.problem.heads);
    tbb::parallel_for(int64_t{0}, plan.row_tiles(), [&](int64_t t) {
      if (options.stop != nullptr && *options.stop) {
        complete = false;
        return;
      }
      const int64_t first = t * plan.tile_rows;
      tile(head, {batch, i % plan.problem.heads, first,
                  std::min(plan.tile_rows, plan.problem.rows - first)});
    });
  }
  return complete;
}

// |wide - exact| of one row, in ulps of the output format at the exact value.
double difference_in_ulps(const Plan& plan, int64_t row_of_all) {
  const HostFpGuard guard;
  const Problem& p = plan.problem;
  const int64_t outer = row_of_all / p.rows;
  const DecodedHead head(plan, outer / p.heads, outer % p.heads);
  WideRow wide;
  ExactRow exact;
  wide_attention_row(head.view(), row_of_all % p.rows, wide);
  exact_attention_row(head.view(), row_of_all % p.rows, exact);
  const Format& format = plan.map[Site::output_store].format;
  double largest = 0;
  for (size_t d = 0; d < exact.o.size(); ++d) {
    if (!std::isfinite(exact.o[d].hi)) continue;
    const double difference = (wide.o[d] - exact.o[d].hi) - exact.o[d].lo;
    const int ulp = ulp_exponent(format, exact.o[d].hi);
    largest = std::max(largest, std::fabs(std::ldexp(difference, -ulp)));
  }
  return largest;
}

void judge_sample(const Plan& plan, ReferenceReport& report) {
  const int64_t all = plan.problem.batch * plan.problem.heads * plan.problem.rows;
  const int64_t rows = std::min(all, (sampled_elements + plan.problem.dim - 1) / plan.problem.dim);
  std::vector<double> differences(static_cast<size_t>(rows));
  tbb::parallel_for(int64_t{0}, rows, [&](int64_t i) {
    differences[static_cast<size_t>(i)] = difference_in_ulps(plan, (2 * i + 1) * all / (2 * rows));
  });
  report.judged_rows = rows;
  report.judged_elements = rows * plan.problem.dim;
  report.largest_difference_ulp = *std::max_element(differences.begin(), differences.end());
}

ReferenceReport describe_reference(const Plan& plan, bool exact_everywhere) {
  const Problem& p = plan.problem;
  ReferenceReport report;
  if (exact_everywhere) {
    report.name = "exact";
    report.description = "untiled attention in 160-bit arithmetic, every row";
    report.judged_rows = p.batch * p.heads * p.rows;
    report.judged_elements = report.judged_rows * p.dim;
  } else {
    report.name = "wide";
    report.description =
        "untiled attention in binary64 (error bound: docs/numerics/wide_reference.md); sampled "
        "rows judged by 160-bit arithmetic";
  }
  return report;
}

}  // namespace

JudgedRun run_judged(const Plan& plan, const JudgedOptions& options) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  const bool exact = static_cast<int64_t>(rows) * p.keys <= small_problem_scores;
  JudgedRun result{.o = std::vector<uint32_t>(rows * static_cast<size_t>(p.dim)),
                   .lse = std::vector<uint32_t>(rows),
                   .statistic = std::vector<uint32_t>(rows),
                   .o_ulp = std::vector<float>(rows * static_cast<size_t>(p.dim)),
                   .lse_ulp = std::vector<float>(rows),
                   .sites = {},
                   .o_errors = JudgedHead::o_tally(plan),
                   .lse_errors = JudgedHead::lse_tally(plan),
                   .reference = describe_reference(plan, exact)};
  Shared shared{.plan = plan, .exact_everywhere = exact, .result = result};
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    switch (plan.recipe->engine) {
      case Engine::tiled: {
        const auto driven =
            run_forward(plan, {.threads = options.threads,
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
    if (result.complete && !exact) judge_sample(plan, result.reference);
  });
  return result;
}

}  // namespace ulpscope
