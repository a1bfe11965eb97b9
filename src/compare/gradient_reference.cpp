// dQ by rows, dK and dV by keys in binary64, and a sample of them in 160 bits.
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/reference_outputs.hpp"
#include "ulpscope/reference/exact_gradients.hpp"

#include <algorithm>
#include <memory>

#include "decoded_head.hpp"
#include "reference_sample.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr int64_t together = 64;  // rows of a task, keys of a block

struct Job {
  const BackwardPlan& plan;
  std::span<const uint16_t> dout;
  const ReferenceOptions& options;
  GradientReference& result;

  const Problem& problem() const { return plan.problem; }
  bool stopped() const { return options.stop != nullptr && options.stop->load(); }
  // The rows of a head in a list of all heads' rows.
  template <class T>
  std::span<T> rows_of(std::vector<T>& all, int64_t outer) const {
    const auto rows = static_cast<size_t>(problem().rows);
    return std::span(all).subspan(static_cast<size_t>(outer) * rows, rows);
  }
};

// The query heads that share one K/V head.
class Group {
 public:
  Group(const Job& job, int64_t kv_outer)
      : first_(kv_outer * (job.problem().heads / job.problem().kv_heads)) {
    const Problem& p = job.problem();
    for (int64_t outer = first_; outer < first_ + p.heads / p.kv_heads; ++outer) {
      heads_.push_back(std::make_unique<DecodedGradientHead>(job.plan, job.dout, outer));
    }
  }
  int64_t size() const { return static_cast<int64_t>(heads_.size()); }
  int64_t outer(int64_t g) const { return first_ + g; }
  GradientHead head(int64_t g) const { return heads_[static_cast<size_t>(g)]->view(); }

 private:
  int64_t first_;  // batch * heads + head
  std::vector<std::unique_ptr<DecodedGradientHead>> heads_;
};

void compute_rows(Job& job, int64_t outer, const GradientHead& head) {
  const Problem& p = job.problem();
  tbb::parallel_for(int64_t{0}, (p.rows + together - 1) / together, [&](int64_t block) {
    if (job.stopped()) return;
    const HostFpGuard guard;
    WideGradientRow row;
    for (int64_t i = block * together; i < std::min((block + 1) * together, p.rows); ++i) {
      const auto at = outer * p.rows + i;
      wide_gradient_row(head, i, row);
      std::copy(row.dq.begin(), row.dq.end(), job.result.dq.begin() + at * p.dim);
      job.result.delta[static_cast<size_t>(at)] = row.delta;
      job.result.rows[static_cast<size_t>(at)] = row.summary;
    }
  });
}

void compute_keys(Job& job, int64_t kv_outer, const Group& group) {
  const Problem& p = job.problem();
  tbb::parallel_for(int64_t{0}, (p.keys + together - 1) / together, [&](int64_t block) {
    if (job.stopped()) return;
    const HostFpGuard guard;
    const KeyRange keys{block * together, std::min((block + 1) * together, p.keys)};
    WideKeyGradients total;
    WideKeyGradients one;
    for (int64_t g = 0; g < group.size(); ++g) {
      wide_key_gradients(group.head(g), job.rows_of(job.result.rows, group.outer(g)), keys, one);
      add_head(one, total);
    }
    const auto at = (kv_outer * p.keys + keys.first) * p.dim;
    std::copy(total.dk.begin(), total.dk.end(), job.result.dk.begin() + at);
    std::copy(total.dv.begin(), total.dv.end(), job.result.dv.begin() + at);
  });
}

void compute_group(Job& job, int64_t kv_outer) {
  const Group group(job, kv_outer);
  for (int64_t g = 0; g < group.size(); ++g) compute_rows(job, group.outer(g), group.head(g));
  compute_keys(job, kv_outer, group);
}

constexpr int64_t sampled = 8;                  // rows, and keys
constexpr int64_t pairs_summed_exactly = 4096;  // of a group, in half a second

FourDoubles as_four(double x) { return {.part = {x, 0, 0, 0}}; }

ExactRowSummary widened(const WideRowSummary& row) {
  return {.keys = row.keys,
          .pivot_key = row.pivot_key,
          .maximum = as_four(row.maximum),
          .sum = as_four(row.sum),
          .pivot = as_four(row.pivot),
          .excess = as_four(row.excess)};
}

double dq_difference(Job& job, int64_t row_of_all) {
  const HostFpGuard guard;
  const Problem& p = job.problem();
  const DecodedGradientHead head(job.plan, job.dout, row_of_all / p.rows);
  ExactGradientRow exact;
  exact_gradient_row(head.view(), row_of_all % p.rows, exact);
  return largest_difference(job.plan.plan->map[Site::dq_store].format, exact.dq,
                            &job.result.dq[static_cast<size_t>(row_of_all * p.dim)]);
}

struct KeyDifference {
  double dk = 0;
  double dv = 0;
};

KeyDifference key_difference(Job& job, int64_t key_of_all, bool exact_rows) {
  const HostFpGuard guard;
  const Problem& p = job.problem();
  const Group group(job, key_of_all / p.keys);
  ExactKeyGradients total;
  ExactKeyGradients one;
  for (int64_t g = 0; g < group.size(); ++g) {
    std::vector<ExactRowSummary> rows;
    for (const WideRowSummary& row : job.rows_of(job.result.rows, group.outer(g))) {
      rows.push_back(widened(row));
    }
    ExactGradientRow exact;
    for (int64_t i = 0; exact_rows && i < p.rows; ++i) {
      exact_gradient_row(group.head(g), i, exact);
      rows[static_cast<size_t>(i)] = exact.summary;
    }
    exact_key_gradients(group.head(g), rows, key_of_all % p.keys, one);
    add_head(one, total);
  }
  const auto at = static_cast<size_t>(key_of_all * p.dim);
  const PrecisionMap& map = job.plan.plan->map;
  return {largest_difference(map[Site::dk_store].format, total.dk, &job.result.dk[at]),
          largest_difference(map[Site::dv_store].format, total.dv, &job.result.dv[at])};
}

void judge_sample(Job& job) {
  const Problem& p = job.problem();
  GradientReport& report = job.result.report;
  const int64_t group = p.heads / p.kv_heads;
  const auto rows = within(spread_evenly(whole_kv_heads(p) * group * p.rows, sampled),
                           first_head(p) * p.rows, p.batch * p.heads * p.rows);
  const auto keys = within(spread_evenly(whole_kv_heads(p) * p.keys, sampled),
                           p.part_of.first * p.keys, p.batch * p.kv_heads * p.keys);
  report.judged_rows = static_cast<int64_t>(rows.size());
  report.judged_keys = static_cast<int64_t>(keys.size());
  report.exact_rows = group * p.rows * p.keys <= pairs_summed_exactly;
  std::vector<double> dq(rows.size());
  std::vector<KeyDifference> dkv(keys.size());
  tbb::parallel_for(size_t{0}, rows.size() + keys.size(), [&](size_t i) {
    if (job.stopped()) return;
    if (i < rows.size()) {
      dq[i] = dq_difference(job, rows[i]);
    } else {
      dkv[i - rows.size()] = key_difference(job, keys[i - rows.size()], report.exact_rows);
    }
  });
  for (const double x : dq) report.dq_difference_ulp = std::max(report.dq_difference_ulp, x);
  for (const auto& [dk, dv] : dkv) {
    report.dk_difference_ulp = std::max(report.dk_difference_ulp, dk);
    report.dv_difference_ulp = std::max(report.dv_difference_ulp, dv);
  }
}

}  // namespace

void GradientReport::merge(const GradientReport& other) {
  judged_rows += other.judged_rows;
  judged_keys += other.judged_keys;
  exact_rows = exact_rows || other.exact_rows;
  dq_difference_ulp = std::max(dq_difference_ulp, other.dq_difference_ulp);
  dk_difference_ulp = std::max(dk_difference_ulp, other.dk_difference_ulp);
  dv_difference_ulp = std::max(dv_difference_ulp, other.dv_difference_ulp);
}

GradientReference gradient_reference(const BackwardPlan& plan, std::span<const uint16_t> dout,
                                     const ReferenceOptions& options) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  GradientReference result{.dq = std::vector<double>(p.q.size()),
                           .dk = std::vector<double>(p.k.size()),
                           .dv = std::vector<double>(p.v.size()),
                           .delta = std::vector<double>(rows),
                           .rows = std::vector<WideRowSummary>(rows),
                           .report = {}};
  Job job{.plan = plan, .dout = dout, .options = options, .result = result};
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    tbb::parallel_for(int64_t{0}, p.batch * p.kv_heads, [&](int64_t i) { compute_group(job, i); });
    if (!job.stopped()) judge_sample(job);
  });
  result.complete = !job.stopped();
  return result;
}

}  // namespace ulpscope
