// The runs of an attribution: one problem with some suspects exact, judged by one reference.
#pragma once

#include "ulpscope/analysis/attribution.hpp"
#include "ulpscope/compare/judged_gradients.hpp"

#include <map>
#include <optional>

namespace ulpscope {

using RunResidues = std::map<Attributed, Residues>;

class SwitchedRuns {
 public:
  // Runs the kernel as it is, logged, to see which sites round.
  SwitchedRuns(const AttributionProblem& problem, const AttributionOptions& options);

  const std::vector<Suspect>& suspects() const { return suspects_; }
  // Nothing where it was stopped.
  RunResidues with(const std::vector<bool>& on);
  bool complete() const { return complete_; }

 private:
  void find_suspects();
  const JudgedRun& forward(const Plan& plan, const std::vector<bool>& on);

  const AttributionProblem& given_;
  JudgedOptions how_;
  ForwardReference reference_;
  GradientReference gradients_;
  std::vector<Suspect> suspects_;
  std::map<std::vector<bool>, JudgedRun> kept_;  // by the switches of the forward suspects
  std::optional<JudgedRun> passing_;
  bool complete_ = true;
};

}  // namespace ulpscope
