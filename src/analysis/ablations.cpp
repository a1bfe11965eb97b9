#include "ulpscope/analysis/ablations.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/judged_gradients.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace ulpscope {

namespace {

double number(uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); }

// What a pass saw of its pairs, sums over the keys of a row. Of all heads: (heads, rows, dim).
struct PairSums {
  std::vector<double> pk;    // P K
  std::vector<double> p_k;   // P |K|
  std::vector<double> ds_k;  // P |dP - delta| |K|, delta the exact one
  std::vector<double> p_dp;  // P dP: (heads, rows)
};

class PairCollector : public PairObserver {
 public:
  PairCollector(const Problem& p, int64_t outer, std::span<const double> delta, PairSums& sums)
      : dim_(p.dim), rows_(p.rows), outer_(outer), delta_(delta), sums_(sums) {
    const int64_t batch = outer / p.heads;
    const int64_t kv_head = outer % p.heads / (p.heads / p.kv_heads);
    const auto at = static_cast<size_t>((batch * p.kv_heads + kv_head) * p.keys * p.dim);
    for (int64_t i = 0; i < p.keys * p.dim; ++i) {
      keys_.push_back(number(detail::widened(p.format, p.k[at + static_cast<size_t>(i)])));
    }
  }

  void row(const PairRow& pairs) override {
    const HostFpGuard guard;
    const auto row = static_cast<size_t>(outer_ * rows_ + pairs.row);
    const auto dim = static_cast<size_t>(dim_);
    for (int64_t j = 0; j < pairs.count; ++j) {
      const double p = number(pairs.p[j]);
      const double dp = number(pairs.dp[j]);
      sums_.p_dp[row] += p * dp;
      const double* const key = &keys_[static_cast<size_t>((pairs.first_key + j) * dim_)];
      for (size_t d = 0; d < dim; ++d) {
        sums_.pk[row * dim + d] += p * key[d];
        sums_.p_k[row * dim + d] += p * std::abs(key[d]);
        sums_.ds_k[row * dim + d] += p * std::abs((dp - delta_[row]) * key[d]);
      }
    }
  }

 private:
  int64_t dim_;
  int64_t rows_;
  int64_t outer_;
  std::span<const double> delta_;
  PairSums& sums_;  // rows of a head are nobody else's
  std::vector<double> keys_;
};

// A forward run's LSE, with all that one pass over its pairs yields.
struct Base {
  std::vector<uint32_t> statistic;
  PairSums sums;
  std::vector<uint32_t> dq;  // with the exact delta
};

class Ablating {
 public:
  Ablating(const AttributionProblem& problem, const AttributionOptions& options)
      : given_(problem),
        problem_(problem.backward->problem),
        how_{.threads = options.threads,
             .logging = Logging::off,
             .judging = Judging::off,
             .stop = options.stop},
        reference_(
            gradient_reference(*problem.backward, problem.dout, {options.threads, options.stop})) {
    complete_ = reference_.complete;
    for (const double delta : reference_.delta) {
      exact_delta_.push_back(bit_cast<uint32_t>(static_cast<float>(delta)));
    }
  }

  bool complete() const { return complete_; }

  Ablated run(const AblationRow& row, std::span<const int64_t> exact_heads) {
    Ablated result{.row = &row,
                   .exact_heads = {exact_heads.begin(), exact_heads.end()},
                   .heads = {},
                   .worst = 0};
    Plan plan = given_.plan;
    for (const Site site : row.exact) plan.map[site] = exact_cast;
    if (row.tiling == Tiling::one_tile) make_one_tile(plan);
    const JudgedRun forward = run_judged(plan, how_);
    complete_ = complete_ && forward.complete;
    if (!complete_) return result;
    const Base& base = base_of(forward.statistic);
    if (!complete_) return result;
    std::vector<uint32_t> o = registers(plan, forward);
    std::vector<uint32_t> delta;
    switch (row.delta) {
      case DeltaSource::stored_output: break;
      case DeltaSource::exact_output: take_exact(exact_heads, o); break;
      case DeltaSource::probabilities:
        for (const double x : base.sums.p_dp) {
          delta.push_back(bit_cast<uint32_t>(static_cast<float>(x)));
        }
        break;
    }
    const Gradients lp = gradients(o, forward.statistic, delta, nullptr);
    if (complete_) judge(base, lp, result);
    return result;
  }

 private:
  static std::vector<uint32_t> registers(const Plan& plan, const JudgedRun& run) {
    std::vector<uint32_t> o;
    for (const uint32_t code : run.o) {
      o.push_back(detail::widened(plan.map[Site::output_store].format, code));
    }
    return o;
  }

  // Of 32 keys and more, as the row sums deal out columns.
  void make_one_tile(Plan& plan) const {
    plan.tile_rows = plan.problem.rows;
    plan.tile_keys = (plan.problem.keys + 31) / 32 * 32;
    plan.parts = 1;
  }

  // O without a rounding, in some heads or, where none is named, in all.
  void take_exact(std::span<const int64_t> heads, std::vector<uint32_t>& o) {
    if (exact_o_.empty()) {
      Plan plan = given_.plan;
      for (const SiteRow& site : forward_sites()) plan.map[site.site] = exact_cast;
      const JudgedRun run = run_judged(plan, how_);
      complete_ = complete_ && run.complete;
      exact_o_ = run.o;
    }
    if (heads.empty()) {
      o = exact_o_;
      return;
    }
    const int64_t size = problem_.rows * problem_.dim;
    for (const int64_t head : heads) {
      std::copy_n(exact_o_.begin() + head * size, size, o.begin() + head * size);
    }
  }

  // The kernel's backward pass with every step behind delta exact.
  Gradients gradients(std::span<const uint32_t> o, std::span<const uint32_t> statistic,
                      std::span<const uint32_t> delta, PairSums* sums) {
    Plan plan = given_.plan;
    for (const SiteRow& row : backward_sites()) {
      const bool of_delta = row.site == Site::delta || row.site == Site::delta_cast;
      if (!of_delta) plan.map[row.site] = exact_cast;
    }
    BackwardPlan backward = *given_.backward;
    backward.plan = &plan;
    BackwardOptions options{.threads = how_.threads, .logging = Logging::off, .stop = how_.stop};
    if (sums != nullptr) {
      options.observe = [this, sums](int64_t batch, int64_t head) {
        return std::make_unique<PairCollector>(problem_, batch * problem_.heads + head,
                                               reference_.delta, *sums);
      };
    }
    Gradients result = run_backward(
        backward, {.dout = given_.dout, .o = o, .lse = statistic, .delta = delta}, options);
    complete_ = complete_ && result.complete;
    return result;
  }

  // dQ by the exact delta: once for all ablations with the same LSE.
  const Base& base_of(const std::vector<uint32_t>& statistic) {
    for (const auto& base : bases_) {
      if (base->statistic == statistic) return *base;
    }
    auto base = std::make_unique<Base>();
    base->statistic = statistic;
    const auto rows = statistic.size();
    const auto elements = rows * static_cast<size_t>(problem_.dim);
    base->sums = {std::vector<double>(elements), std::vector<double>(elements),
                  std::vector<double>(elements), std::vector<double>(rows)};
    const std::vector<uint32_t> unused(elements, 0);
    base->dq = gradients(unused, statistic, exact_delta_, &base->sums).dq;
    bases_.push_back(std::move(base));
    return *bases_.back();
  }

  // Equation (1). Of both runs P, dP and K are the same numbers, and each computes
  //   dQ = scale sum_j P_j (dP_j - delta) K_j
  // with one rounding, of relative size 2^-24 at most, in each of dP - delta, dS and, for kernels
  // that scale inside, dS scale; one for every key tile's sum, and one where it joins the
  // others; one in scaling and one in storing. A
  // term of the sum thus passes at most n + 6 roundings: n + 8 covers their products and, as the
  // sums here are of binary64, all that they lose; 2 n where a tile's sum is rounded by itself. And
  // |dP - delta_lp| is at most |dP - delta_hp| + |delta_lp - delta_hp|.
  void judge(const Base& base, const Gradients& lp, Ablated& result) const {
    const HostFpGuard guard;
    const auto rows = static_cast<size_t>(problem_.rows);
    const auto dim = static_cast<size_t>(problem_.dim);
    const double scale = number(problem_.scale);
    const double unit = (2.0 * static_cast<double>(given_.backward->key_tiles()) + 8) * 0x1p-24;
    double worst = std::numeric_limits<double>::quiet_NaN();
    for (size_t head = 0; head < lp.delta.size() / rows; ++head) {
      CompensatedSum drift, magnitude, squares;
      for (size_t row = head * rows; row < (head + 1) * rows; ++row) {
        const double error = number(lp.delta[row]) - reference_.delta[row];
        drift.add(error);
        magnitude.add(std::abs(error));
        const double delta_lp = number(lp.delta[row]);
        const double delta_hp = number(exact_delta_[row]);
        for (size_t i = row * dim; i < (row + 1) * dim; ++i) {
          const double seen = number(base.dq[i]) - number(lp.dq[i]);
          squares.add(seen * seen);
          const double expected = scale * (delta_lp - delta_hp) * base.sums.pk[i];
          const double bound =
              unit * scale *
              (2 * base.sums.ds_k[i] + std::abs(delta_lp - delta_hp) * base.sums.p_k[i]);
          if (bound > 0) worst = std::fmax(worst, std::abs(seen - expected) / bound);
        }
      }
      const double share = magnitude.value() > 0 ? drift.value() / magnitude.value() : 0.0;
      result.heads.push_back({drift.value(), share, std::sqrt(squares.value())});
    }
    result.worst = worst;
  }

  const AttributionProblem& given_;
  const Problem& problem_;
  JudgedOptions how_;
  GradientReference reference_;
  std::vector<uint32_t> exact_delta_;
  std::vector<uint32_t> exact_o_;
  std::vector<std::unique_ptr<Base>> bases_;
  bool complete_ = true;
};

}  // namespace

Ablations ablate(const AttributionProblem& problem, std::span<const int64_t> heads,
                 const AttributionOptions& options) {
  const HostFpGuard guard;
  const Problem& p = problem.backward->problem;
  if (p.terms.has(ScoreTerm::soft_cap)) {
    throw Error(ErrorKind::usage, "ablations with a soft cap, which bends dS: expected none");
  }
  for (const int64_t head : heads) {
    if (head >= 0 && head < p.batch * p.heads) continue;
    throw Error(ErrorKind::usage,
                fmt::format("head {}: expected 0 to {}", head, p.batch * p.heads - 1));
  }
  Ablating ablating(problem, options);
  Ablations result;
  const auto all = std::ssize(ablation_table) + (heads.empty() ? 0 : 1);
  const auto run = [&](const AblationRow& row, std::span<const int64_t> exact_heads) {
    if (!ablating.complete()) return;
    result.rows.push_back(ablating.run(row, exact_heads));
    if (options.progress) options.progress(std::ssize(result.rows), all);
  };
  for (const AblationRow& row : ablation_table) run(row, {});
  for (const AblationRow& row : ablation_table) {
    if (row.delta == DeltaSource::exact_output && !heads.empty()) run(row, heads);
  }
  result.complete = ablating.complete();
  return result;
}

}  // namespace ulpscope
