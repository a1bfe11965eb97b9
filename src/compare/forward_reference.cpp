// O and the LSE by `exact` or `wide`, and a sample of `wide` by `exact`.
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/reference_outputs.hpp"
#include "ulpscope/reference/exact_attention.hpp"

#include <algorithm>
#include <cmath>

#include "decoded_head.hpp"
#include "reference_sample.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

// Up to here `exact` computes every element: 4096 scores take it about a tenth of a second.
constexpr int64_t small_problem_scores = 4096;
constexpr int64_t sampled_elements = 256;
constexpr int64_t rows_together = 64;

// A row's values, from whichever of the two computes them.
class RowReference {
 public:
  explicit RowReference(bool exact) : is_exact_(exact) {}

  void compute(const ReferenceHead& head, int64_t row, double* o, double& lse) {
    if (!is_exact_) {
      wide_attention_row(head, row, wide_);
      std::copy(wide_.o.begin(), wide_.o.end(), o);
      lse = wide_.lse;
      return;
    }
    exact_attention_row(head, row, exact_);
    std::transform(exact_.o.begin(), exact_.o.end(), o, [](const TwoDoubles& x) { return x.hi; });
    lse = exact_.lse.hi;
  }

 private:
  bool is_exact_;
  WideRow wide_;
  ExactRow exact_;
};

void compute_head(const Plan& plan, int64_t outer, bool exact, const ReferenceOptions& options,
                  ForwardReference& result) {
  const Problem& p = plan.problem;
  const DecodedHead head(plan, outer / p.heads, outer % p.heads);
  const int64_t blocks = (p.rows + rows_together - 1) / rows_together;
  tbb::parallel_for(int64_t{0}, blocks, [&](int64_t block) {
    if (options.stop != nullptr && options.stop->load()) return;
    const HostFpGuard guard;
    RowReference reference(exact);
    for (int64_t i = block * rows_together; i < std::min((block + 1) * rows_together, p.rows);
         ++i) {
      const auto at = static_cast<size_t>(outer * p.rows + i);
      reference.compute(head.view(), i, &result.o[at * static_cast<size_t>(p.dim)], result.lse[at]);
    }
  });
}

// Of all heads of the whole.
int64_t whole_rows(const Problem& p) { return whole_kv_heads(p) * (p.heads / p.kv_heads) * p.rows; }

// |wide - exact| of one row, in ulps of the output format at the exact value.
double row_difference(const Plan& plan, const ForwardReference& reference, int64_t row_of_all) {
  const HostFpGuard guard;
  const Problem& p = plan.problem;
  const int64_t outer = row_of_all / p.rows;
  const DecodedHead head(plan, outer / p.heads, outer % p.heads);
  ExactRow exact;
  exact_attention_row(head.view(), row_of_all % p.rows, exact);
  return largest_difference(plan.map[Site::output_store].format, exact.o,
                            &reference.o[static_cast<size_t>(row_of_all * p.dim)]);
}

void judge_sample(const Plan& plan, ForwardReference& reference) {
  ReferenceReport& report = reference.report;
  const Problem& p = plan.problem;
  const auto rows = within(spread_evenly(whole_rows(p), (sampled_elements + p.dim - 1) / p.dim),
                           first_head(p) * p.rows, p.batch * p.heads * p.rows);
  std::vector<double> differences(rows.size());
  tbb::parallel_for(size_t{0}, rows.size(),
                    [&](size_t i) { differences[i] = row_difference(plan, reference, rows[i]); });
  report.judged_rows = static_cast<int64_t>(rows.size());
  report.judged_elements = report.judged_rows * p.dim;
  for (const double x : differences) {
    report.largest_difference_ulp = std::max(report.largest_difference_ulp, x);
  }
}

bool is_small(const Problem& p) { return whole_rows(p) * p.keys <= small_problem_scores; }

}  // namespace

ReferenceReport reference_for(const Plan& plan) {
  ReferenceReport report;
  if (is_small(plan.problem)) {
    report.name = "exact";
    report.description = "untiled attention in 160-bit arithmetic, every row";
  } else {
    report.name = "wide";
    report.description =
        "untiled attention in binary64 (error bound: docs/numerics/wide_reference.md); sampled "
        "rows judged by 160-bit arithmetic";
  }
  return report;
}

void ReferenceReport::merge(const ReferenceReport& other) {
  judged_rows += other.judged_rows;
  judged_elements += other.judged_elements;
  largest_difference_ulp = std::max(largest_difference_ulp, other.largest_difference_ulp);
}

ForwardReference forward_reference(const Plan& plan, const ReferenceOptions& options) {
  const Problem& p = plan.problem;
  const int64_t heads = p.batch * p.heads;
  const auto rows = static_cast<size_t>(heads * p.rows);
  const bool exact = is_small(p);
  ForwardReference result{.o = std::vector<double>(rows * static_cast<size_t>(p.dim)),
                          .lse = std::vector<double>(rows),
                          .report = reference_for(plan)};
  if (exact) {
    result.report.judged_rows = heads * p.rows;
    result.report.judged_elements = result.report.judged_rows * p.dim;
  }
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    tbb::parallel_for(int64_t{0}, heads,
                      [&](int64_t i) { compute_head(plan, i, exact, options, result); });
    result.complete = options.stop == nullptr || !options.stop->load();
    if (result.complete && !exact) judge_sample(plan, result);
  });
  return result;
}

bool share_reference(const Plan& a, const Plan& b) {
  const Problem& x = a.problem;
  const Problem& y = b.problem;
  const bool same_diagonal = x.rows == x.keys || a.recipe->alignment == b.recipe->alignment;
  return x.heads == y.heads && x.rows == y.rows && x.mask == y.mask && same_diagonal;
}

}  // namespace ulpscope
