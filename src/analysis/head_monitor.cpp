#include "ulpscope/analysis/head_monitor.hpp"

#include "ulpscope/attention/forward.hpp"
#include "ulpscope/attention/softmax.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr int64_t rows_together = 64;

// The scores of rows of one head, as the kernel has them before the exponential.
class Scores {
 public:
  Scores(const Plan& plan, const Operand& k, int64_t batch, int64_t head)
      : plan_(plan),
        k_(k),
        machine_(plan, sink_),
        terms_(head_terms(plan.problem, plan.recipe->alignment, batch, head)),
        first_code_(static_cast<size_t>((batch * plan.problem.heads + head) * plan.problem.rows *
                                        plan.problem.dim)),
        q_(plan.problem.format, 1, plan.problem.dim),
        s_(static_cast<size_t>(plan.problem.keys)),
        scaled_(static_cast<size_t>(plan.problem.keys)) {}

  void compute(int64_t row) {
    const Problem& p = plan_.problem;
    q_.reset_specials();
    for (int64_t d = 0; d < p.dim; ++d) {
      q_.set(0, d, p.q[first_code_ + static_cast<size_t>(row * p.dim + d)]);
    }
    seen_ = plan_.seen(row);
    const KeySpan keys{.first = 0, .count = p.keys, .begin = seen_.first, .end = seen_.end};
    sums_.start_at_zero(seen_.end - seen_.first);
    machine_.chains({q_, 0, 0}, {k_, seen_.first, 0}, p.dim, sums_);
    machine_.at(Site::scores, [&](auto step) {
      std::copy(sums_.values(0), sums_.values(0) + sums_.size(), s_.data() + seen_.first);
      cast_elements(step, detail::seen_elements(0, keys), s_.data() + seen_.first);
    });
    scale_scores(machine_, 0, keys, {s_.data(), scaled_.data()}, {terms_, row});
    to_natural_units();
  }

  int64_t first_key() const { return seen_.first; }
  std::span<const double> natural() const { return natural_; }
  std::span<const uint32_t> selectors() const {
    return std::span(selects_scaled() ? scaled_ : s_)
        .subspan(static_cast<size_t>(seen_.first), natural_.size());
  }

 private:
  // Whether the maximum is taken over scores in units of log2 e, beside those in s_.
  bool selects_scaled() const {
    switch (plan_.recipe->scaling) {
      case Scaling::after_maximum:
      case Scaling::natural: return false;
      case Scaling::one_product:
      case Scaling::two_products: break;
    }
    return true;
  }
  bool is_scaled() const {
    switch (plan_.recipe->scaling) {
      case Scaling::after_maximum:
      case Scaling::one_product: return false;
      case Scaling::two_products:
      case Scaling::natural: break;
    }
    return true;
  }
  void to_natural_units() {
    const double scale =
        is_scaled() ? 1.0 : static_cast<double>(bit_cast<float>(plan_.problem.scale));
    natural_.resize(static_cast<size_t>(seen_.end - seen_.first));
    for (size_t j = 0; j < natural_.size(); ++j) {
      const uint32_t s = s_[static_cast<size_t>(seen_.first) + j];
      natural_[j] = static_cast<double>(bit_cast<float>(s)) * scale;
    }
  }

  const Plan& plan_;
  const Operand& k_;
  NullSink sink_{};
  Machine<NullSink> machine_;
  HeadTerms terms_;
  size_t first_code_;
  Operand q_;
  SeenKeys seen_{0, 0};
  std::vector<uint32_t> s_;
  std::vector<uint32_t> scaled_;
  std::vector<double> natural_;
  ChainSums sums_;
};

HeadMonitor summed(const std::vector<RowMonitor>& rows) {
  HeadMonitor head;
  CompensatedSum entropy, sink;
  for (const RowMonitor& row : rows) {
    if (row.seen == 0) continue;
    if (row.equal == 0) {
      ++head.not_finite;
      continue;
    }
    ++head.rows;
    head.pairs += row.seen;
    head.largest = std::max(head.largest, row.magnitude);
    const auto maxima = std::min(static_cast<size_t>(row.equal), HeadMonitor::maxima_counts);
    ++head.rows_by_maxima[maxima - 1];
    head.rows_near += row.near >= 2;
    head.rows_at_risk += row.at_risk;
    head.powers += row.powers;
    ++head.rows_by_residual[residual_bin(row.residual)];
    entropy.add(row.entropy);
    sink.add(row.sink);
  }
  if (head.rows > 0) {
    head.entropy = entropy.value() / static_cast<double>(head.rows);
    head.sink = sink.value() / static_cast<double>(head.rows);
  }
  return head;
}

Operand decoded_keys(const Plan& plan, int64_t batch, int64_t kv_head) {
  const Problem& p = plan.problem;
  const auto size = static_cast<size_t>(p.keys * p.dim);
  const auto at = static_cast<size_t>(batch * p.kv_heads + kv_head) * size;
  Operand k = operand_rows(p.format, p.k.subspan(at, size), p.keys, p.dim, 0);
  k.pack();
  return k;
}

}  // namespace

int64_t HeadMonitor::rows_equal() const { return rows - rows_by_maxima[0]; }

double HeadMonitor::median_residual() const {
  int64_t below = 0;
  for (size_t bin = 0; bin < residual_bins; ++bin) {
    below += rows_by_residual[bin];
    if (2 * below > rows) {
      return bin == 0 ? 0.0 : std::ldexp(1.0, static_cast<int>(bin) + lowest_residual);
    }
  }
  return 0;
}

std::vector<RowMonitor> monitor_rows(const Plan& plan, const HeadMonitorOptions& options,
                                     int64_t batch, int64_t head) {
  const Problem& p = plan.problem;
  const Operand k = decoded_keys(plan, batch, head / (p.heads / p.kv_heads));
  const MonitorOptions of_row{.probability = plan.map[Site::probability_cast].format,
                              .output = plan.map[Site::output_store].format,
                              .tolerance = options.tolerance,
                              .sinks = options.sinks};
  std::vector<RowMonitor> rows(static_cast<size_t>(p.rows));
  const int64_t blocks = (p.rows + rows_together - 1) / rows_together;
  tbb::parallel_for(int64_t{0}, blocks, [&](int64_t block) {
    if (options.stop != nullptr && options.stop->load()) return;
    const HostFpGuard guard;
    Scores scores(plan, k, batch, head);
    std::vector<double> weights(static_cast<size_t>(p.keys));
    const int64_t end = std::min((block + 1) * rows_together, p.rows);
    for (int64_t row = block * rows_together; row < end; ++row) {
      scores.compute(row);
      rows[static_cast<size_t>(row)] =
          monitor_row(scores.natural(), scores.selectors(), scores.first_key(), of_row, weights);
    }
  });
  return rows;
}

std::vector<HeadMonitor> monitor_heads(const Plan& plan, const HeadMonitorOptions& options) {
  switch (plan.recipe->engine) {
    case Engine::tiled: break;
    case Engine::reference:
      throw Error(ErrorKind::usage, "kernel " + std::string(plan.recipe->name) +
                                        " has no scores of its own: expected a kernel that "
                                        "computes tiles");
  }
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  std::vector<HeadMonitor> heads;
  const Problem& p = plan.problem;
  for (int64_t outer = 0; outer < p.batch * p.heads; ++outer) {
    if (options.stop != nullptr && options.stop->load()) break;
    arena.execute([&] {
      const auto rows = monitor_rows(plan, options, outer / p.heads, outer % p.heads);
      const HostFpGuard guard;
      heads.push_back(summed(rows));
      heads.back().batch = outer / p.heads;
      heads.back().head = outer % p.heads;
    });
    if (options.progress) options.progress(outer + 1);
  }
  return heads;
}

}  // namespace ulpscope
