#include "ulpscope/analysis/attribution.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <algorithm>
#include <cmath>

#include "switched_runs.hpp"
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr double half = 0.5;

// Runs, and the figures of every tensor in them, in the order of the tensors.
class Attributing {
 public:
  Attributing(const AttributionProblem& problem, const AttributionOptions& options)
      : options_(options), runs_(problem, options) {
    all_ = 1 + 3 * std::ssize(runs_.suspects());
  }

  Attribution run() {
    const size_t count = runs_.suspects().size();
    const RunResidues exact = with(std::vector<bool>(count, false));
    for (const auto& [tensor, residues] : exact) {
      result_.tensors.push_back(
          {.tensor = tensor, .kernel = {}, .exact = error_figures(residues), .effects = {}});
      for (const Suspect& suspect : runs_.suspects()) {
        result_.tensors.back().effects.push_back({suspect, {}, {}, {}, {}});
      }
    }
    const RunResidues kernel = build_up(exact);
    if (!runs_.complete()) return {.tensors = {}, .complete = false};
    for (auto& t : result_.tensors) t.kernel = error_figures(kernel.at(t.tensor));
    for (size_t i = 0; i < count && runs_.complete(); ++i) {
      std::vector<bool> on(count, true);
      on[i] = false;
      const RunResidues left = with(on);
      each(left, [&](TensorAttribution& t, const Residues& residues) {
        t.effects[i].left = error_figures(residues);
        t.effects[i].removed = error_figures(difference(kernel.at(t.tensor), residues));
      });
      on.flip();
      each(with(on), [&](TensorAttribution& t, const Residues& residues) {
        t.effects[i].alone = error_figures(residues);
      });
    }
    if (!runs_.complete()) return {.tensors = {}, .complete = false};
    return std::move(result_);
  }

 private:
  RunResidues with(const std::vector<bool>& on) {
    RunResidues residues = runs_.with(on);
    if (options_.progress && runs_.complete()) options_.progress(++done_, all_);
    return residues;
  }

  template <class Body>
  void each(const RunResidues& run, Body&& body) {
    if (!runs_.complete()) return;
    for (auto& t : result_.tensors) body(t, run.at(t.tensor));
  }

  // Switches the suspects on, one after the other; what comes out last is the kernel.
  RunResidues build_up(const RunResidues& exact) {
    RunResidues before = exact;
    std::vector<bool> on(runs_.suspects().size(), false);
    for (size_t i = 0; i < on.size() && runs_.complete(); ++i) {
      on[i] = true;
      RunResidues now = with(on);
      each(now, [&](TensorAttribution& t, const Residues& residues) {
        t.effects[i].increment = error_figures(difference(residues, before.at(t.tensor)));
      });
      before = std::move(now);
    }
    return before;
  }

  const AttributionOptions& options_;
  SwitchedRuns runs_;
  Attribution result_{};
  int64_t done_ = 0;
  int64_t all_ = 0;
};

}  // namespace

size_t TensorAttribution::subject() const {
  size_t most = 0;
  for (size_t i = 1; i < kernel.size(); ++i) {
    if (!biased(i)) continue;
    const bool larger = std::abs(kernel[i].bias.mean) > std::abs(kernel[most].bias.mean);
    if (larger || !biased(most)) most = i;
  }
  return most;
}

std::optional<Cause> TensorAttribution::cause(size_t part) const {
  if (!biased(part)) return std::nullopt;
  const double bias = kernel[part].bias.mean;
  const auto share = [&](const SuspectEffect& e) { return e.increment[part].bias.mean / bias; };
  std::vector<const SuspectEffect*> towards;
  for (const auto& effect : effects) {
    if (is_biased(effect.increment[part].bias) && share(effect) > 0) towards.push_back(&effect);
  }
  std::stable_sort(towards.begin(), towards.end(),
                   [&](const auto* a, const auto* b) { return share(*a) > share(*b); });
  size_t taken = 0;
  double shares = 0;
  while (shares <= half && taken < std::min(towards.size(), most_suspects)) {
    shares += share(*towards[taken++]);
  }
  if (shares <= half) return std::nullopt;
  towards.resize(taken);
  std::sort(towards.begin(), towards.end());  // back in the order of the effects
  Cause cause{.suspects = {}, .brought = shares * bias};
  for (const auto* effect : towards) cause.suspects.push_back(effect->suspect);
  return cause;
}

std::optional<Remedy> TensorAttribution::remedy(size_t part) const {
  if (!biased(part)) return std::nullopt;
  const auto left = [&](const SuspectEffect& e) { return std::abs(e.left[part].bias.mean); };
  const SuspectEffect* best = nullptr;
  for (const auto& effect : effects) {
    if (!is_biased(effect.removed[part].bias)) continue;
    if (best == nullptr || left(effect) < left(*best)) best = &effect;
  }
  if (best == nullptr || left(*best) > half * std::abs(kernel[part].bias.mean)) {
    return std::nullopt;
  }
  return Remedy{best->suspect, best->left[part]};
}

Attribution attribute(const AttributionProblem& problem, const AttributionOptions& options) {
  const HostFpGuard guard;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  return arena.execute([&]() -> Attribution {
    Attributing attributing(problem, options);
    return attributing.run();
  });
}

}  // namespace ulpscope
