#include "identify_search.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "identify_agreement.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

Identification IdentifySearch::run() {
  if (options_.meant) return run_meant(*options_.meant);
  try_kernels(candidates_.as_they_are(Evidence::verified));
  for (const auto& kernel : candidates_.kernels()) verified_.push_back(kernel.get());
  if (!result_.found() && !stopped()) {
    try_kernels(candidates_.as_they_are(Evidence::published));
  }
  try_neighbours();
  return finished();
}

// All kinds of changes, so that all that explain the tensors are found together.
Identification IdentifySearch::run_meant(const MeantKernel& meant) {
  try_kernels(candidates_.as_meant(meant));
  if (result_.found() || candidates_.kernels().empty()) return finished();
  Kernel& kernel = *candidates_.kernels().front();
  for (const ChangeKind kind :
       {ChangeKind::cast, ChangeKind::choice, ChangeKind::other_site, ChangeKind::other_format}) {
    if (!stopped()) try_all(candidates_.neighbours(kernel, kind));
  }
  if (!stopped()) try_kernels(candidates_.on_other_chips(meant));
  return finished();
}

Identification IdentifySearch::finished() {
  result_.refused = candidates_.refused();
  result_.complete = !stopped();
  return std::move(result_);
}

void IdentifySearch::try_kernels(std::vector<Candidate> round) {
  const auto& kernels = candidates_.kernels();
  const size_t before = std::exchange(sampled_, kernels.size());
  each(kernels.size() - before, [&](size_t i) {
    Kernel& kernel = *kernels[before + i];
    take_sample(kernel);
    kernel.distance = differences(kernel.sample, seen_).share();
  });
  try_all(std::move(round));
}

// The kernels that came closest are the likeliest to have changed; but a store by another mode
// brings all of them equally far. A round is finished though something was found, so that all that
// explain the tensors are found together. Rows that no recording holds come last, because much of
// what they compute other kernels compute too.
void IdentifySearch::try_neighbours() {
  std::stable_sort(verified_.begin(), verified_.end(),
                   [](const Kernel* a, const Kernel* b) { return a->distance < b->distance; });
  const auto unheld =
      std::stable_partition(verified_.begin(), verified_.end(),
                            [](const Kernel* k) { return k->recipe->caveat.empty(); });
  const auto round = [&](auto first, auto last, std::initializer_list<ChangeKind> kinds) {
    if (result_.found()) return;
    for (auto kernel = first; kernel != last; ++kernel) {
      for (const ChangeKind kind : kinds) {
        if (!stopped()) try_all(candidates_.neighbours(**kernel, kind));
      }
    }
  };
  for (const auto& [first, last] :
       {std::pair{verified_.begin(), unheld}, std::pair{unheld, verified_.end()}}) {
    round(first, last, {ChangeKind::cast});
    round(first, last, {ChangeKind::choice, ChangeKind::other_site});
  }
}

// Those that agree on the sample, and the best few, are computed on everything.
void IdentifySearch::try_all(std::vector<Candidate> round) {
  result_.tried += static_cast<int64_t>(round.size());
  screen_all(round);
  for (size_t i = 0; i < round.size() && !stopped(); ++i) {
    if (static_cast<int64_t>(i) >= options_.ranked && round[i].different > 0) break;
    confirm(round[i]);
  }
  std::stable_sort(result_.ranking.begin(), result_.ranking.end(),
                   [](const Match& a, const Match& b) { return a.different() < b.different(); });
}

// Body on threads, each of which may use all of them.
void IdentifySearch::each(size_t count, const std::function<void(size_t)>& body) const {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options_.threads));
  tbb::task_arena arena(options_.threads);
  arena.execute([&] {
    tbb::parallel_for(size_t{0}, count, [&](size_t i) {
      // A thread that waits for its candidate must not start another one meanwhile.
      if (!stopped()) tbb::this_task_arena::isolate([&] { body(i); });
    });
  });
}

// Leaves those that explain something, the best ones first.
void IdentifySearch::screen_all(std::vector<Candidate>& round) const {
  std::atomic<int64_t> done = 0;
  each(round.size(), [&](size_t i) {
    screen(round[i]);
    const int64_t so_far = ++done;
    if (options_.progress) options_.progress(so_far, static_cast<int64_t>(round.size()));
  });
  std::erase_if(round, [](const Candidate& c) { return !c.explains; });
  std::stable_sort(round.begin(), round.end(), [](const Candidate& a, const Candidate& b) {
    return a.different < b.different;
  });
}

void IdentifySearch::screen(Candidate& candidate) const {
  const SomeOutputs& own = candidate.kernel->sample;
  try {
    const SomeOutputs computed = candidate.change.name.empty() ? own : sample(candidate);
    candidate.different = differences(computed, seen_).different;
    candidate.explains = candidate.change.is_own() || candidate.different == 0 || computed != own;
  } catch (const Error&) {
    candidate.explains = false;  // the change and the problem do not go together
  }
}

void IdentifySearch::take_sample(Kernel& kernel) const {
  const Candidate as_it_is{.kernel = &kernel, .change = {}, .gradients_only = true};
  if (wants_forward(seen_)) {
    const auto whole = candidates_.resolved(as_it_is, kernel.problem);
    kernel.heads = sampled_heads(whole->forward(), kernel.rows);
  }
  if (wants_gradients(seen_)) {
    const auto group = candidates_.resolved(
        as_it_is, problem_of_kv_head(kernel.problem, kernel.gradients.kv_head));
    kernel.group = group_forward(group->backward(), kernel.gradients, seen_, options_);
  }
  kernel.sample = sample(as_it_is);
}

// Throws an Error where the change and the problem do not go together.
SomeOutputs IdentifySearch::sample(const Candidate& candidate) const {
  const Kernel& kernel = *candidate.kernel;
  SomeOutputs result;
  if (wants_forward(seen_)) {
    const auto whole = candidates_.resolved(candidate, kernel.problem);
    const Plan& plan = whole->forward();
    const bool same_tiles = plan.tile_keys == kernel.heads.tile_keys;
    result = sampled_forward(plan, same_tiles ? kernel.heads : sampled_heads(plan, kernel.rows),
                             kernel.rows, seen_);
  }
  if (wants_gradients(seen_)) {
    const auto group = candidates_.resolved(
        candidate, problem_of_kv_head(kernel.problem, kernel.gradients.kv_head));
    const BackwardPlan plan = group->backward();
    const ForwardOutput forward = candidate.gradients_only
                                      ? ForwardOutput{}
                                      : group_forward(plan, kernel.gradients, seen_, options_);
    auto gradients = sampled_gradients(plan, candidate.gradients_only ? kernel.group : forward,
                                       kernel.gradients, seen_, options_);
    std::move(gradients.begin(), gradients.end(), std::back_inserter(result));
  }
  return result;
}

void IdentifySearch::confirm(const Candidate& candidate) {
  Match found = match(candidate);
  if (stopped()) return;
  Kernel& kernel = *candidate.kernel;
  if (candidate.change.name.empty()) {
    kernel.distance =
        static_cast<double>(found.different()) / static_cast<double>(found.elements());
    // A sample in which the kernel as it is gives every bit would let all its neighbours pass.
    if (candidate.different == 0 && found.different() > 0) look_where_it_differs(kernel, found);
  }
  result_.ranking.push_back(std::move(found));
}

void IdentifySearch::look_where_it_differs(Kernel& kernel, const Match& found) const {
  const Problem& p = kernel.problem;
  for (const Agreement& a : found.tensors) {
    if (a.first < 0) continue;
    const int64_t row = a.output == Output::lse ? a.first : a.first / p.dim;
    switch (a.output) {
      case Output::o:
      case Output::lse: kernel.rows.only = row; break;
      case Output::dq:
        kernel.gradients = {.kv_head = row / p.rows / (p.heads / p.kv_heads),
                            .first_row = row % p.rows,
                            .first_key = 0,
                            .count = 1};
        break;
      case Output::dk:
      case Output::dv:
        kernel.gradients = {
            .kv_head = row / p.keys, .first_row = 0, .first_key = row % p.keys, .count = 1};
        break;
    }
    if (is_gradient(a.output)) break;
  }
  take_sample(kernel);
}

Match IdentifySearch::match(const Candidate& candidate) const {
  const Kernel& kernel = *candidate.kernel;
  const auto whole = candidates_.resolved(candidate, kernel.problem);
  Match match{.kernel = std::string(kernel.recipe->name),
              .chip = std::string(kernel.chip->name),
              .change = candidates_.change_name(candidate),
              .as_it_is = candidates_.is_as_it_is(candidate),
              .tensors = {}};
  const ForwardOutput forward = whole_forward(whole->forward(), options_);
  std::optional<BackwardPlan> backward;
  if (wants_gradients(seen_)) backward = whole->backward();
  if (stopped()) return match;
  for (const SomeOutput& some :
       whole_outputs(whole->forward(), backward ? &*backward : nullptr, forward, seen_, options_)) {
    const Observed& seen = observed(seen_, some.output);
    Agreement result = agreement(some, seen);
    if (some.output == Output::dq) {
      count_other_orders(*backward, {.dout = seen_.dout, .o = forward.o, .lse = forward.statistic},
                         options_, some, seen, result);
    }
    match.tensors.push_back(result);
  }
  return match;
}

}  // namespace ulpscope
