#include "switched_runs.hpp"

#include <algorithm>

namespace ulpscope {

SwitchedRuns::SwitchedRuns(const AttributionProblem& problem, const AttributionOptions& options)
    : given_(problem),
      how_{.threads = options.threads,
           .logging = Logging::off,
           .judging = Judging::off,
           .stop = options.stop},
      reference_(forward_reference(problem.plan, {options.threads, options.stop})) {
  complete_ = reference_.complete;
  if (complete_ && problem.backward != nullptr) {
    gradients_ =
        gradient_reference(*problem.backward, problem.dout, {options.threads, options.stop});
    complete_ = gradients_.complete;
  }
  if (complete_) find_suspects();
}

void SwitchedRuns::find_suspects() {
  JudgedOptions logged = how_;
  logged.logging = Logging::on;
  std::array<uint64_t, site_count> counts{};
  const auto count = [&](std::span<const SiteRow> sites, const SiteStatistics& statistics) {
    for (const auto& row : sites) {
      counts[index(row.site)] = statistics[index(row.site)].moments.count;
    }
  };
  const JudgedRun run = run_judged(given_.plan, logged);
  complete_ = run.complete;
  count(forward_sites(), run.sites);
  if (given_.backward != nullptr && complete_) {
    const auto gradients = run_judged_gradients(*given_.backward, given_.dout, run, logged);
    complete_ = gradients.complete;
    count(backward_sites(), gradients.sites);
  }
  suspects_ = suspects_of(given_.plan, counts);
}

// The forward run with these switches. Those with all on or all off are kept: the suspects of the
// backward pass leave them as they are.
const JudgedRun& SwitchedRuns::forward(const Plan& plan, const std::vector<bool>& on) {
  std::vector<bool> switches;
  for (size_t i = 0; i < on.size(); ++i) {
    if (!suspects_[i].is_of_backward()) switches.push_back(on[i]);
  }
  if (const auto found = kept_.find(switches); found != kept_.end()) return found->second;
  JudgedRun run = run_judged(plan, how_);
  complete_ = complete_ && run.complete;
  const auto alike = [&](bool value) {
    return std::all_of(switches.begin(), switches.end(), [&](bool x) { return x == value; });
  };
  if (alike(true) || alike(false)) return kept_.emplace(switches, std::move(run)).first->second;
  return passing_.emplace(std::move(run));
}

RunResidues SwitchedRuns::with(const std::vector<bool>& on) {
  RunResidues results;
  if (!complete_) return results;
  const Plan plan = switched(given_.plan, suspects_, on);
  const JudgedRun& run = forward(plan, on);
  if (!complete_) return results;
  const auto judge = [&](Attributed tensor, const TensorShape& shape,
                         const std::vector<uint32_t>& codes, const Format& stored, Site ulps,
                         const std::vector<double>& reference) {
    results[tensor] = residues_of(shape, codes, stored, given_.plan.map[ulps].format, reference);
  };
  const Problem& p = given_.plan.problem;
  judge(Attributed::o, {p.batch * p.heads, p.rows, p.dim}, run.o,
        plan.map[Site::output_store].format, Site::output_store, reference_.o);
  if (given_.backward == nullptr) return results;

  BackwardPlan backward = *given_.backward;
  backward.plan = &plan;
  const auto g = run_judged_gradients(backward, given_.dout, run, how_);
  complete_ = g.complete;
  if (!complete_) return {};
  const Problem& whole = backward.problem;
  const TensorShape rows{whole.batch * whole.heads, whole.rows, whole.dim};
  const TensorShape keys{whole.batch * whole.kv_heads, whole.keys, whole.dim};
  judge(Attributed::delta, {rows.heads, rows.rows, 1}, g.delta.codes, fp32, Site::output_store,
        gradients_.delta);
  const auto gradient = [&](Attributed tensor, const TensorShape& shape, const JudgedTensor& codes,
                            Site store, const std::vector<double>& reference) {
    judge(tensor, shape, codes.codes, plan.map[store].format, store, reference);
  };
  gradient(Attributed::dq, rows, g.dq, Site::dq_store, gradients_.dq);
  gradient(Attributed::dk, keys, g.dk, Site::dk_store, gradients_.dk);
  gradient(Attributed::dv, keys, g.dv, Site::dv_store, gradients_.dv);
  return results;
}

}  // namespace ulpscope
