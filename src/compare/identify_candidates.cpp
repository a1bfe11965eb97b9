#include "identify_candidates.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// What an observed format other than Q's says of the stores.
std::vector<SiteOverride> stores_of(const Observation& seen) {
  std::vector<SiteOverride> stores;
  for (const Observed& x : seen.tensors) {
    if (x.output == Output::lse || x.format == seen.problem.format) continue;
    stores.push_back({store_site(x.output), {x.format, nearest_even}});
  }
  return stores;
}

bool are_one_kind(const Chip& a, const Chip& b) {
  return a.row == b.row && a.multiprocessors == b.multiprocessors;
}

// Chips of one row and size are one; the last of them has the product's name.
bool is_last_of_its_kind(const Chip& chip) {
  const Chip* last = &chip;
  for (const Chip& other : chips) {
    if (are_one_kind(other, chip)) last = &other;
  }
  return last == &chip;
}

// Whether the chip multiplies the problem's format, by a row of this evidence.
bool has_unit(const Chip& chip, const Format& format, Evidence evidence) {
  return std::any_of(chip.units.begin(), chip.units.end(), [&](const MatrixUnit& u) {
    return u.sum.terms > 0 && u.input == format && u.evidence == evidence;
  });
}

}  // namespace

Candidates::Candidates(const Observation& seen, const IdentifyOptions& options)
    : seen_(seen), options_(options), stores_(stores_of(seen)) {}

std::vector<Candidate> Candidates::as_they_are(Evidence evidence) {
  std::vector<Candidate> all;
  for (const Recipe* recipe : recipes()) {
    if (recipe->engine != Engine::tiled) continue;
    if (wants_gradients(seen_) && recipe->backward == nullptr) continue;
    for (const Chip& chip : chips) {
      if (!has_unit(chip, seen_.problem.format, evidence) || !is_last_of_its_kind(chip)) continue;
      add_kernel(*recipe, chip, all);
    }
  }
  return all;
}

std::vector<Candidate> Candidates::as_meant(const MeantKernel& meant) {
  std::vector<Candidate> all;
  add_kernel(*meant.recipe, *meant.chip, all);
  return all;
}

std::vector<Candidate> Candidates::on_other_chips(const MeantKernel& meant) {
  std::vector<Candidate> all;
  for (const Chip& chip : chips) {
    const bool multiplies = has_unit(chip, seen_.problem.format, Evidence::verified) ||
                            has_unit(chip, seen_.problem.format, Evidence::published);
    if (!multiplies || !is_last_of_its_kind(chip) || are_one_kind(chip, *meant.chip)) continue;
    add_kernel(*meant.recipe, chip, all);
  }
  return all;
}

void Candidates::add_kernel(const Recipe& recipe, const Chip& chip, std::vector<Candidate>& to) {
  Problem problem = seen_.problem;
  problem.launch.multiprocessors = options_.multiprocessors.value_or(chip.multiprocessors);
  auto kernel = std::make_unique<Kernel>(recipe, chip, problem);
  try {
    const auto as_it_is = resolved({.kernel = kernel.get(), .change = {}}, problem);
    std::vector<KernelChange> tuned;
    if (wants_gradients(seen_)) tuned = tuned_choices(as_it_is->backward());
    to.push_back({.kernel = kernel.get(), .change = {}});
    for (auto& choice : tuned) {
      to.push_back({.kernel = kernel.get(), .change = std::move(choice), .gradients_only = true});
    }
    kernels_.push_back(std::move(kernel));
  } catch (const Error& error) {
    refused_.push_back({std::string(recipe.name), std::string(chip.name), error.what()});
  }
}

std::vector<Candidate> Candidates::neighbours(Kernel& kernel, ChangeKind kind) const {
  std::vector<Candidate> all;
  const auto as_it_is = resolved({.kernel = &kernel, .change = {}}, kernel.problem);
  const auto add = [&](std::vector<KernelChange> changes, bool gradients_only) {
    for (auto& change : changes) {
      if (change.kind != kind) continue;
      all.push_back(
          {.kernel = &kernel, .change = std::move(change), .gradients_only = gradients_only});
    }
  };
  add(forward_changes(as_it_is->forward()), false);
  if (wants_gradients(seen_)) add(backward_changes(as_it_is->backward()), true);
  return all;
}

std::unique_ptr<ChangedKernel> Candidates::resolved(const Candidate& candidate,
                                                    const Problem& problem) const {
  const Kernel& kernel = *candidate.kernel;
  return std::make_unique<ChangedKernel>(*kernel.recipe, *kernel.chip, problem, candidate.change,
                                         stores_);
}

std::string Candidates::change_name(const Candidate& candidate) const {
  std::string name = candidate.change.name;
  for (const SiteOverride& store : stores_) {
    name += fmt::format("{}{}={}", name.empty() ? "" : ", ", row_of(store.site).name,
                        format_name(store.cast.format));
  }
  return name;
}

bool Candidates::is_as_it_is(const Candidate& candidate) const {
  return candidate.change.is_own() && stores_.empty();
}

}  // namespace ulpscope
