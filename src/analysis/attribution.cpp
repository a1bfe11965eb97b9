#include "ulpscope/analysis/attribution.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/judged_gradients.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr double half = 0.5;

// Instructions that round in their own way, whatever the cast behind them.
constexpr std::array instructions{
    Site::scores,        Site::probability,   Site::rescale_factor,  Site::output_accumulate,
    Site::reciprocal,    Site::log2_row_sum,  Site::log_row_sum,     Site::combine_exponential,
    Site::combine_log,   Site::bwd_scores,    Site::bwd_probability, Site::dp,
    Site::dv_accumulate, Site::dk_accumulate, Site::dq_accumulate,
};

bool is_instruction(Site site) {
  return std::find(instructions.begin(), instructions.end(), site) != instructions.end();
}

ErrorFigures figures_of(const ErrorStatistics& errors) {
  const Moments& m = errors.moments;
  const auto count = static_cast<double>(m.count - m.skipped);
  const double squares = static_cast<double>(m.sum_squares) * 0x1p-64;
  return {.bias = summarise(errors).by_value, .rms = count > 0 ? std::sqrt(squares / count) : 0};
}

// What a run left of a tensor, and how it is judged.
struct Left {
  Attributed tensor;
  const std::vector<uint32_t>& codes;
  Format stored;
  Format ulps;
  const std::vector<double>& reference;
  int64_t rows;  // of a head
  int64_t columns;
};

HeadFigures judged(const Left& left) {
  const int64_t size = left.rows * left.columns;
  const int64_t heads = std::ssize(left.codes) / size;
  std::vector<ErrorStatistics> of_head(static_cast<size_t>(heads));
  tbb::parallel_for(int64_t{0}, heads, [&](int64_t head) {
    const HostFpGuard guard;
    ErrorTally tally(left.rows, left.columns, left.rows);
    std::vector<double> values(static_cast<size_t>(left.columns));
    for (int64_t row = 0; row < left.rows; ++row) {
      const auto at = static_cast<size_t>(head * size + row * left.columns);
      for (size_t c = 0; c < values.size(); ++c) {
        const uint32_t bits = detail::widened(left.stored, left.codes[at + c]);
        values[c] = static_cast<double>(bit_cast<float>(bits));
      }
      tally.add_row(left.ulps, head, row, values.data(), &left.reference[at], nullptr);
    }
    tally.close_head();
    of_head[static_cast<size_t>(head)] = tally.statistics();
  });
  const HostFpGuard guard;
  ErrorStatistics whole;
  HeadFigures figures{{}};
  for (const auto& errors : of_head) {
    whole.merge(errors);
    figures.push_back(figures_of(errors));
  }
  figures.front() = figures_of(whole);
  return figures;
}

using Results = std::map<Attributed, HeadFigures>;

// The problem under one precision map after another, judged by one reference.
class Runs {
 public:
  Runs(const AttributionProblem& problem, const AttributionOptions& options)
      : given_(problem),
        how_{.threads = options.threads,
             .logging = Logging::off,
             .judging = Judging::off,
             .stop = options.stop},
        reference_(forward_reference(problem.plan, {options.threads, options.stop})) {
    if (problem.backward == nullptr) return;
    gradients_ =
        gradient_reference(*problem.backward, problem.dout, {options.threads, options.stop});
  }

  // The sites whose steps an exact one differs from, in the order of the computation; those too
  // that lose nothing here, since what comes before them may be rounded already.
  std::vector<Site> rounding_sites() {
    JudgedOptions logged = how_;
    logged.logging = Logging::on;
    SiteStatistics sites{};
    const JudgedRun run = run_judged(given_.plan, logged);
    complete_ = complete_ && run.complete;
    for (const auto& row : forward_sites()) sites[index(row.site)] = run.sites[index(row.site)];
    if (given_.backward != nullptr && complete_) {
      const auto gradients = run_judged_gradients(*given_.backward, given_.dout, run, logged);
      complete_ = complete_ && gradients.complete;
      for (const auto& row : backward_sites()) {
        sites[index(row.site)] = gradients.sites[index(row.site)];
      }
    }
    std::vector<Site> rounding;
    for (const auto& row : site_table) {
      const Moments& m = sites[index(row.site)].moments;
      const bool differs = is_instruction(row.site) || !(given_.plan.map[row.site] == Cast{});
      if (differs && m.count > 0) rounding.push_back(row.site);
    }
    return rounding;
  }

  Results with(const PrecisionMap& map) {
    Results results;
    if (!complete_) return results;
    Plan plan = given_.plan;
    plan.map = map;
    const JudgedRun& run = forward(plan);
    if (!complete_) return results;
    const Problem& p = given_.plan.problem;
    const auto judge = [&](Attributed tensor, const std::vector<uint32_t>& codes, Format stored,
                           Site ulps, const std::vector<double>& reference, int64_t rows,
                           int64_t columns) {
      results[tensor] =
          judged({tensor, codes, stored, given_.plan.map[ulps].format, reference, rows, columns});
    };
    judge(Attributed::o, run.o, map[Site::output_store].format, Site::output_store, reference_.o,
          p.rows, p.dim);
    if (given_.backward == nullptr) return results;
    BackwardPlan backward = *given_.backward;
    backward.plan = &plan;
    const auto g = run_judged_gradients(backward, given_.dout, run, how_);
    complete_ = complete_ && g.complete;
    if (!complete_) return results;
    const Problem& whole = backward.problem;
    judge(Attributed::delta, g.delta.codes, fp32, Site::output_store, gradients_.delta, whole.rows,
          1);
    judge(Attributed::dq, g.dq.codes, map[Site::dq_store].format, Site::dq_store, gradients_.dq,
          whole.rows, whole.dim);
    judge(Attributed::dk, g.dk.codes, map[Site::dk_store].format, Site::dk_store, gradients_.dk,
          whole.keys, whole.dim);
    judge(Attributed::dv, g.dv.codes, map[Site::dv_store].format, Site::dv_store, gradients_.dv,
          whole.keys, whole.dim);
    return results;
  }

  bool complete() const { return complete_ && reference_.complete && gradients_.complete; }

 private:
  // The forward run of these forward casts; the last two are kept, since most sites are of the
  // backward pass and leave it as it is.
  const JudgedRun& forward(const Plan& plan) {
    const auto same = [&](const Kept& kept) {
      return std::all_of(forward_sites().begin(), forward_sites().end(), [&](const SiteRow& row) {
        return kept.map[row.site] == plan.map[row.site];
      });
    };
    const auto found = std::find_if(kept_.begin(), kept_.end(), same);
    if (found != kept_.end()) return found->run;
    JudgedRun run = run_judged(plan, how_);
    complete_ = complete_ && run.complete;
    if (kept_.size() < 2) {
      kept_.push_back({plan.map, std::move(run)});
      return kept_.back().run;
    }
    return passing_.emplace(std::move(run));
  }

  struct Kept {
    PrecisionMap map;
    JudgedRun run;
  };

  const AttributionProblem& given_;
  JudgedOptions how_;
  ForwardReference reference_;
  GradientReference gradients_;
  std::vector<Kept> kept_;
  std::optional<JudgedRun> passing_;
  bool complete_ = true;
};

// Where the bias is largest: the whole, or a head.
size_t most_biased(const HeadFigures& figures) {
  size_t most = 0;
  for (size_t i = 1; i < figures.size(); ++i) {
    if (!is_biased(figures[i].bias)) continue;
    const bool larger = std::abs(figures[i].bias.mean) > std::abs(figures[most].bias.mean);
    if (larger || !is_biased(figures[most].bias)) most = i;
  }
  return most;
}

// The site that removes most of the bias; none if half of it stays.
std::optional<Cause> removing_site(const TensorAttribution& t) {
  const auto most = std::max_element(t.sites.begin(), t.sites.end(), [&](auto& a, auto& b) {
    return t.bias_removed(a) < t.bias_removed(b);
  });
  if (most == t.sites.end() || t.bias_removed(*most) <= half) return std::nullopt;
  const ErrorFigures left = most->left[t.subject];
  if (std::abs(left.bias.mean) > half * std::abs(t.kernel[t.subject].bias.mean)) {
    return std::nullopt;  // turned round
  }
  return Cause{most->site, {most->site}, left, most->alone[t.subject]};
}

// The first site that brings half of the bias alone, and all that round behind it: what it does,
// they may do again.
std::vector<Site> bringing_sites(const TensorAttribution& t) {
  std::vector<Site> sites;
  for (const auto& effect : t.sites) sites.push_back(effect.site);
  const auto brings = [&](const auto& effect) { return t.bias_brought(effect) >= half; };
  Site first{};
  bool found = false;
  for (const auto& effect : t.sites) {
    if (!brings(effect) || (found && first < effect.site)) continue;
    first = effect.site;
    found = true;
  }
  if (!found) return {};
  std::erase_if(sites, [&](Site site) { return site < first; });
  std::sort(sites.begin(), sites.end());
  return sites;
}

double share_of_squares(const ErrorFigures& part, const ErrorFigures& whole) {
  return part.rms * part.rms / (whole.rms * whole.rms);
}

// The largest share first; equal ones in the order of the computation.
void rank(TensorAttribution& t) {
  const auto weight = [&](const SiteEffect& effect) {
    return t.biased() ? std::max(t.bias_removed(effect), t.bias_brought(effect))
                      : std::max(t.error_removed(effect), t.error_brought(effect));
  };
  std::stable_sort(t.sites.begin(), t.sites.end(),
                   [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
}

void find_cause(Runs& runs, const PrecisionMap& own, TensorAttribution& t) {
  t.cause = removing_site(t);
  if (t.cause) return;
  const auto bringing = bringing_sites(t);
  if (bringing.empty()) return;
  PrecisionMap map = own;
  for (const Site site : bringing) map[site] = exact_cast;
  auto results = runs.with(map);
  if (!runs.complete()) return;
  const auto first = std::find_if(t.sites.begin(), t.sites.end(), [&](const auto& effect) {
    return effect.site == bringing.front();
  });
  t.cause = Cause{first->site, bringing, results[t.tensor][t.subject], first->alone[t.subject]};
}

Attribution attributed(const AttributionProblem& problem, const AttributionOptions& options) {
  Runs runs(problem, options);
  PrecisionMap exact;
  for (const auto& row : site_table) exact[row.site] = exact_cast;
  const PrecisionMap& own = problem.plan.map;
  const auto sites = runs.rounding_sites();
  const auto all = 2 * std::ssize(sites) + 2;
  int64_t done = 0;
  const auto run = [&](const PrecisionMap& map) {
    Results results = runs.with(map);
    if (options.progress) options.progress(++done, all);
    return results;
  };
  Attribution attribution;
  Results kernel = run(own);
  Results ideal = run(exact);
  if (!runs.complete()) return {.tensors = {}, .complete = false};
  for (const auto& [tensor, figures] : kernel) {
    attribution.tensors.push_back({.tensor = tensor,
                                   .kernel = figures,
                                   .exact = ideal[tensor],
                                   .sites = {},
                                   .subject = most_biased(figures)});
  }
  for (const Site site : sites) {
    PrecisionMap without = own;
    without[site] = exact_cast;
    PrecisionMap alone = exact;
    alone[site] = own[site];
    Results left = run(without);
    Results brought = run(alone);
    if (!runs.complete()) return {.tensors = {}, .complete = false};
    for (auto& t : attribution.tensors) {
      t.sites.push_back({site, left[t.tensor], brought[t.tensor]});
    }
  }
  for (auto& t : attribution.tensors) {
    rank(t);
    if (t.biased()) find_cause(runs, own, t);
  }
  attribution.complete = runs.complete();
  return attribution;
}

}  // namespace

double TensorAttribution::bias_removed(const SiteEffect& effect) const {
  return 1 - effect.left[subject].bias.mean / kernel[subject].bias.mean;
}
double TensorAttribution::bias_brought(const SiteEffect& effect) const {
  return effect.alone[subject].bias.mean / kernel[subject].bias.mean;
}
double TensorAttribution::error_removed(const SiteEffect& effect) const {
  return 1 - share_of_squares(effect.left[subject], kernel[subject]);
}
double TensorAttribution::error_brought(const SiteEffect& effect) const {
  return share_of_squares(effect.alone[subject], kernel[subject]);
}

Attribution attribute(const AttributionProblem& problem, const AttributionOptions& options) {
  const HostFpGuard guard;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  return arena.execute([&] { return attributed(problem, options); });
}

}  // namespace ulpscope
