#include "ulpscope/compare/identify.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/compare/reachable.hpp"
#include "ulpscope/format/subset.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "identify_sample.hpp"
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

constexpr std::array<std::string_view, output_count> output_names{"o", "lse", "dq", "dk", "dv"};

int64_t elements_of(const Problem& p, Output output) {
  switch (output) {
    case Output::o:
    case Output::dq: return p.batch * p.heads * p.rows * p.dim;
    case Output::lse: return p.batch * p.heads * p.rows;
    case Output::dk:
    case Output::dv: break;
  }
  return p.batch * p.kv_heads * p.keys * p.dim;
}

void require(const Observation& seen) {
  Problem problem = seen.problem;
  problem.launch.multiprocessors = 1;  // a chip's, later
  check(problem);
  if (seen.tensors.empty()) {
    throw Error(ErrorKind::usage, "no output to identify: expected o, lse, dq, dk or dv");
  }
  std::array<bool, output_count> there{};
  for (const Observed& x : seen.tensors) {
    const auto name = output_name(x.output);
    bool& twice = there[static_cast<size_t>(x.output)];
    if (twice) throw Error(ErrorKind::usage, fmt::format("two tensors for {}", name));
    twice = true;
    const auto expected = static_cast<size_t>(elements_of(seen.problem, x.output));
    if (x.codes.size() != expected) {
      throw Error(ErrorKind::input,
                  fmt::format("{} has {} elements; expected {}", name, x.codes.size(), expected));
    }
    if (!is_subset(x.format, fp32) || (x.output == Output::lse && x.format != fp32)) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} is {}; expected {}", name, format_name(x.format),
                              x.output == Output::lse ? "fp32" : "a format that fp32 holds"));
    }
  }
  if (wants_gradients(seen) && seen.dout.size() != seen.problem.q.size()) {
    throw Error(ErrorKind::input, fmt::format("do has {} elements; expected {}, as q has",
                                              seen.dout.size(), seen.problem.q.size()));
  }
}

// What an observed format other than Q's says of the stores.
std::vector<SiteOverride> stores_of(const Observation& seen) {
  std::vector<SiteOverride> stores;
  for (const Observed& x : seen.tensors) {
    if (x.output == Output::lse || x.format == seen.problem.format) continue;
    const Site site = x.output == Output::o    ? Site::output_store
                      : x.output == Output::dq ? Site::dq_store
                      : x.output == Output::dk ? Site::dk_store
                                               : Site::dv_store;
    stores.push_back({site, {x.format, nearest_even}});
  }
  return stores;
}

bool agrees(const Format& format, uint32_t a, uint32_t b) {
  return a == b || (is_nan(format, a) && is_nan(format, b));
}

const Observed& observed(const Observation& seen, Output output) {
  return *std::find_if(seen.tensors.begin(), seen.tensors.end(),
                       [&](const Observed& x) { return x.output == output; });
}

Agreement agreement(const SomeOutput& computed, const Observed& seen) {
  Agreement result{.output = computed.output,
                   .elements = static_cast<int64_t>(computed.codes.size()),
                   .different = 0,
                   .other_order = 0,
                   .first = -1};
  for (size_t i = 0; i < computed.codes.size(); ++i) {
    const size_t at = computed.index(i);
    if (agrees(seen.format, computed.codes[i], seen.codes[at])) continue;
    if (result.different++ == 0) result.first = static_cast<int64_t>(at);
  }
  return result;
}

// A kernel on a chip, and what all its candidates share.
struct Kernel {
  Kernel(const Recipe& recipe_in, const Chip& chip_in, const Problem& problem_in)
      : recipe(&recipe_in),
        chip(&chip_in),
        problem(problem_in),
        gradients(default_gradients(problem_in)) {}

  const Recipe* recipe;
  const Chip* chip;
  Problem problem;  // with the chip's multiprocessors
  SampledRows rows{.count = few_rows};
  SampledGradients gradients;
  int64_t different = 0;  // everywhere, of the kernel as it is
  // Of the kernel as it is, on the sample:
  SampledHeads heads{};
  ForwardOutput group{};
  SomeOutputs sample{};

  static constexpr int64_t few_rows = 8;
};

struct Candidate {
  Kernel* kernel;
  KernelChange change;
  bool gradients_only;
  int64_t different = 0;  // on the sample
  bool explains = true;   // alters the sample, or leaves nothing to explain
};

class Search {
 public:
  Search(const Observation& seen, const IdentifyOptions& options)
      : seen_(seen), options_(options), stores_(stores_of(seen)) {}

  Identification run();

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }
  std::vector<Candidate> kernels_as_they_are(Evidence evidence);
  std::vector<Candidate> neighbours(Kernel& kernel, ChangeKind kind) const;
  std::unique_ptr<ChangedKernel> changed(const Kernel& kernel, const Problem& problem,
                                         const KernelChange& change) const;
  void try_all(std::vector<Candidate> candidates, size_t confirmed_at_least);
  void screen_all(std::vector<Candidate>& candidates);
  void take_sample(Kernel& kernel) const;
  void look_where_it_differs(Kernel& kernel, const Match& match) const;
  void screen(Candidate& candidate) const;
  SomeOutputs sample(const Candidate& candidate) const;
  Match confirm(const Candidate& candidate) const;

  const Observation& seen_;
  const IdentifyOptions& options_;
  std::vector<SiteOverride> stores_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  Identification result_;
};

std::unique_ptr<ChangedKernel> Search::changed(const Kernel& kernel, const Problem& problem,
                                               const KernelChange& change) const {
  return std::make_unique<ChangedKernel>(*kernel.recipe, *kernel.chip, problem, change, stores_);
}

// Chips of one row and size are one; the last of them has the product's name.
bool is_last_of_its_kind(const Chip& chip) {
  const Chip* last = &chip;
  for (const Chip& other : chips) {
    if (other.row == chip.row && other.multiprocessors == chip.multiprocessors) last = &other;
  }
  return last == &chip;
}

// Whether the chip multiplies the problem's format, by a row of this evidence.
bool has_unit(const Chip& chip, const Format& format, Evidence evidence) {
  return std::any_of(chip.units.begin(), chip.units.end(), [&](const MatrixUnit& u) {
    return u.sum.terms > 0 && u.input == format && u.evidence == evidence;
  });
}

// Every recipe on every chip of this evidence, as it is, and as the library may tune it.
std::vector<Candidate> Search::kernels_as_they_are(Evidence evidence) {
  std::vector<Candidate> all;
  for (const Recipe* recipe : recipes()) {
    if (recipe->engine != Engine::tiled) continue;
    if (wants_gradients(seen_) && recipe->backward == nullptr) continue;
    for (const Chip& chip : chips) {
      if (!has_unit(chip, seen_.problem.format, evidence) || !is_last_of_its_kind(chip)) continue;
      Problem problem = seen_.problem;
      problem.launch.multiprocessors = options_.multiprocessors.value_or(chip.multiprocessors);
      auto kernel = std::make_unique<Kernel>(*recipe, chip, problem);
      try {
        std::vector<KernelChange> choices{{}};
        const auto as_it_is = changed(*kernel, problem, {});
        if (wants_gradients(seen_)) {
          for (auto& choice : tuned_choices(as_it_is->backward())) {
            choices.push_back(std::move(choice));
          }
        }
        for (auto& choice : choices) {
          all.push_back({kernel.get(), std::move(choice), !choice.name.empty()});
        }
        kernels_.push_back(std::move(kernel));
      } catch (const Error& error) {
        result_.refused.push_back(fmt::format("{}@{}: {}", recipe->name, chip.name, error.what()));
      }
    }
  }
  return all;
}

std::vector<Candidate> Search::neighbours(Kernel& kernel, ChangeKind kind) const {
  std::vector<Candidate> all;
  const auto as_it_is = changed(kernel, kernel.problem, {});
  const auto add = [&](std::vector<KernelChange> changes, bool gradients_only) {
    for (auto& change : changes) {
      if (change.kind == kind) all.push_back({&kernel, std::move(change), gradients_only});
    }
  };
  add(forward_changes(as_it_is->forward()), false);
  if (wants_gradients(seen_)) add(backward_changes(as_it_is->backward()), true);
  return all;
}

void Search::take_sample(Kernel& kernel) const {
  if (wants_forward(seen_)) {
    const auto whole = changed(kernel, kernel.problem, {});
    kernel.heads = sampled_heads(whole->forward(), kernel.rows);
  }
  if (wants_gradients(seen_)) {
    const auto group = changed(kernel, one_group(kernel.problem, kernel.gradients.kv_head), {});
    kernel.group = whole_forward(group->forward(), options_);
  }
  kernel.sample = sample({&kernel, {}, true});
}

// A sample in which the kernel as it is gives every bit would let all its neighbours pass.
void Search::look_where_it_differs(Kernel& kernel, const Match& match) const {
  const Problem& p = kernel.problem;
  for (const Agreement& a : match.tensors) {
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
        return;
      case Output::dk:
      case Output::dv:
        kernel.gradients = {
            .kv_head = row / p.keys, .first_row = 0, .first_key = row % p.keys, .count = 1};
        return;
    }
  }
}

// Throws an Error where the change and the problem do not go together.
SomeOutputs Search::sample(const Candidate& candidate) const {
  const Kernel& kernel = *candidate.kernel;
  SomeOutputs result;
  if (wants_forward(seen_)) {
    const auto whole = changed(kernel, kernel.problem, candidate.change);
    const Plan& plan = whole->forward();
    const bool same_tiles = plan.tile_keys == kernel.heads.tile_keys;
    result = sampled_forward(plan, same_tiles ? kernel.heads : sampled_heads(plan, kernel.rows),
                             kernel.rows, seen_);
  }
  if (wants_gradients(seen_)) {
    const auto group =
        changed(kernel, one_group(kernel.problem, kernel.gradients.kv_head), candidate.change);
    const ForwardOutput forward =
        candidate.gradients_only ? ForwardOutput{} : whole_forward(group->forward(), options_);
    auto gradients =
        sampled_gradients(group->backward(), candidate.gradients_only ? kernel.group : forward,
                          kernel.gradients, seen_, options_);
    std::move(gradients.begin(), gradients.end(), std::back_inserter(result));
  }
  return result;
}

int64_t differences(const SomeOutputs& computed, const Observation& seen) {
  int64_t count = 0;
  for (const SomeOutput& some : computed) {
    count += agreement(some, observed(seen, some.output)).different;
  }
  return count;
}

void Search::screen(Candidate& candidate) const {
  if (stopped()) return;
  try {
    const SomeOutputs computed = sample(candidate);
    candidate.different = differences(computed, seen_);
    const bool as_it_is = candidate.change.name.empty();
    candidate.explains =
        as_it_is || candidate.different == 0 || computed != candidate.kernel->sample;
  } catch (const Error&) {
    candidate.explains = false;  // the change and the problem do not go together
  }
}

// Leaves those that explain something, the best ones first.
void Search::screen_all(std::vector<Candidate>& candidates) {
  std::atomic<int64_t> done = 0;
  const auto all = static_cast<int64_t>(candidates.size());
  const auto one = [&](int64_t i) {
    screen(candidates[static_cast<size_t>(i)]);
    const int64_t so_far = ++done;
    if (options_.progress) options_.progress(so_far, all);
  };
  if (wants_gradients(seen_)) {  // spread over threads inside
    for (int64_t i = 0; i < all; ++i) one(i);
  } else {
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(options_.threads));
    tbb::task_arena arena(options_.threads);
    arena.execute([&] { tbb::parallel_for(int64_t{0}, all, one); });
  }
  std::erase_if(candidates, [](const Candidate& c) { return !c.explains; });
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.different < b.different; });
}

// Where dQ has no fixed order: which of its differences another order explains.
void count_other_orders(const BackwardPlan& plan, const BackwardInputs& inputs,
                        const IdentifyOptions& options, const SomeOutput& computed,
                        const Observed& seen, Agreement& agreement) {
  constexpr int64_t share = 100;
  if (agreement.different == 0 || agreement.different * share > agreement.elements) return;
  if (!has_unordered_dq(plan) || plan.key_tiles() > static_cast<int64_t>(most_unordered_parts)) {
    return;
  }
  const auto parts = query_gradient_parts(
      plan, inputs, {.threads = options.threads, .logging = Logging::off, .stop = options.stop});
  agreement.first = -1;
  for (size_t i = 0; i < computed.codes.size(); ++i) {
    if (agrees(seen.format, computed.codes[i], seen.codes[i])) continue;
    if (parts.reach(seen.format, i, seen.codes[i])) {
      --agreement.different;
      ++agreement.other_order;
    } else if (agreement.first < 0) {
      agreement.first = static_cast<int64_t>(i);
    }
  }
}

Match Search::confirm(const Candidate& candidate) const {
  const Kernel& kernel = *candidate.kernel;
  const auto whole = changed(kernel, kernel.problem, candidate.change);
  const ForwardOutput forward = whole_forward(whole->forward(), options_);
  std::optional<BackwardPlan> backward;
  if (wants_gradients(seen_)) backward = whole->backward();
  Match match{.kernel = std::string(kernel.recipe->name),
              .chip = std::string(kernel.chip->name),
              .change = candidate.change.name,
              .tensors = {}};
  for (const SiteOverride& store : stores_) {
    match.change += fmt::format("{}{}={}", match.change.empty() ? "" : ", ",
                                row_of(store.site).name, format_name(store.cast.format));
  }
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

// Those that agree on the sample, and at least some, are computed on everything.
void Search::try_all(std::vector<Candidate> candidates, size_t confirmed_at_least) {
  result_.tried += static_cast<int64_t>(candidates.size());
  screen_all(candidates);
  for (size_t i = 0; i < candidates.size() && !stopped(); ++i) {
    if (i >= confirmed_at_least && candidates[i].different > 0) break;
    Match match = confirm(candidates[i]);
    if (stopped()) break;
    Kernel& kernel = *candidates[i].kernel;
    if (candidates[i].change.name.empty()) {
      kernel.different = match.different();
      if (differences(kernel.sample, seen_) == 0) look_where_it_differs(kernel, match);
    }
    result_.ranking.push_back(std::move(match));
  }
  std::stable_sort(result_.ranking.begin(), result_.ranking.end(),
                   [](const Match& a, const Match& b) { return a.different() < b.different(); });
}

Identification Search::run() {
  constexpr size_t all_of_them = 1000;
  constexpr size_t some = 3;
  auto verified = kernels_as_they_are(Evidence::verified);
  for (const auto& kernel : kernels_) take_sample(*kernel);
  const size_t verified_kernels = kernels_.size();
  try_all(std::move(verified), all_of_them);
  if (!result_.found() && !stopped()) {
    auto published = kernels_as_they_are(Evidence::published);
    for (size_t i = verified_kernels; i < kernels_.size(); ++i) take_sample(*kernels_[i]);
    try_all(std::move(published), some);
  }
  // The kernels that came closest are the likeliest to have changed.
  std::vector<Kernel*> nearest;
  for (size_t i = 0; i < verified_kernels; ++i) nearest.push_back(kernels_[i].get());
  std::stable_sort(nearest.begin(), nearest.end(),
                   [](const Kernel* a, const Kernel* b) { return a->different < b->different; });
  for (const ChangeKind kind : {ChangeKind::cast, ChangeKind::choice, ChangeKind::other_site}) {
    for (Kernel* const kernel : nearest) {
      if (result_.found() || stopped()) break;
      if (kind == ChangeKind::cast) take_sample(*kernel);  // perhaps another one than before
      try_all(neighbours(*kernel, kind), some);
    }
  }
  result_.complete = !stopped();
  if (result_.complete && result_.ranking.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("no kernel takes the problem: {}", fmt::join(result_.refused, "; ")));
  }
  return std::move(result_);
}

}  // namespace

std::string_view output_name(Output output) { return output_names[static_cast<size_t>(output)]; }

int64_t Match::elements() const {
  return std::accumulate(tensors.begin(), tensors.end(), int64_t{0},
                         [](int64_t sum, const Agreement& a) { return sum + a.elements; });
}

int64_t Match::different() const {
  return std::accumulate(tensors.begin(), tensors.end(), int64_t{0},
                         [](int64_t sum, const Agreement& a) { return sum + a.different; });
}

Identification identify(const Observation& observation, const IdentifyOptions& options) {
  require(observation);
  return Search(observation, options).run();
}

}  // namespace ulpscope
