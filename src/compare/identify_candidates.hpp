// Who is tried by `identify`: kernels on chips, as they are and with one thing changed.
#pragma once

#include "ulpscope/compare/identify.hpp"
#include "ulpscope/compare/kernel_change.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <memory>
#include <vector>

#include "identify_sample.hpp"

namespace ulpscope {

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
  // Of the kernel as it is, on the sample:
  SampledHeads heads{};
  ForwardOutput group{};
  SomeOutputs sample{};
  double distance = 0;  // share of different bits, on everything if that was computed

  static constexpr int64_t few_rows = 16;
};

struct Candidate {
  Kernel* kernel;
  KernelChange change;
  bool gradients_only = false;  // O and the LSE are those of the kernel as it is
  int64_t different = 0;        // on the sample
  bool explains = true;         // alters the sample, or leaves nothing to explain
};

class Candidates {
 public:
  Candidates(const Observation& seen, const IdentifyOptions& options);

  // Every recipe on every chip of this evidence, as it is, and as its library may tune it.
  std::vector<Candidate> as_they_are(Evidence evidence);
  // The recipe that was meant: on its chip, and on all others that multiply the format.
  std::vector<Candidate> as_meant(const MeantKernel& meant);
  std::vector<Candidate> on_other_chips(const MeantKernel& meant);
  // The kernel with one thing changed.
  std::vector<Candidate> neighbours(Kernel& kernel, ChangeKind kind) const;

  // A candidate resolved for its kernel's problem or a part of it. Errors of make_plan.
  std::unique_ptr<ChangedKernel> resolved(const Candidate& candidate, const Problem& problem) const;
  // "key_order=ascending, output_store=fp32": the change, and stores in an observed format.
  std::string change_name(const Candidate& candidate) const;
  bool is_as_it_is(const Candidate& candidate) const;

  const std::vector<std::unique_ptr<Kernel>>& kernels() const { return kernels_; }
  const std::vector<RefusedKernel>& refused() const { return refused_; }

 private:
  void add_kernel(const Recipe& recipe, const Chip& chip, std::vector<Candidate>& to);

  const Observation& seen_;
  const IdentifyOptions& options_;
  std::vector<SiteOverride> stores_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<RefusedKernel> refused_;
};

}  // namespace ulpscope
