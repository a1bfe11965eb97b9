// The search of `identify`: rounds of candidates, each screened on a sample, then held against
// everything.
#pragma once

#include "ulpscope/compare/identify.hpp"

#include <functional>
#include <vector>

#include "identify_candidates.hpp"

namespace ulpscope {

class IdentifySearch {
 public:
  IdentifySearch(const Observation& seen, const IdentifyOptions& options)
      : seen_(seen), options_(options), candidates_(seen, options) {}

  Identification run();

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }
  Identification run_meant(const MeantKernel& meant);
  Identification finished();
  // Those that the round has brought are sampled first.
  void try_kernels(std::vector<Candidate> round);
  void try_neighbours();
  void try_all(std::vector<Candidate> round);

  // On the sample.
  void screen_all(std::vector<Candidate>& round) const;
  void screen(Candidate& candidate) const;
  SomeOutputs sample(const Candidate& candidate) const;
  void take_sample(Kernel& kernel) const;
  void look_where_it_differs(Kernel& kernel, const Match& match) const;

  // On everything.
  Match match(const Candidate& candidate) const;
  void confirm(const Candidate& candidate);

  void each(size_t count, const std::function<void(size_t)>& body) const;

  const Observation& seen_;
  const IdentifyOptions& options_;
  Candidates candidates_;
  std::vector<Kernel*> verified_;  // kernels on chips whose rows are verified
  size_t sampled_ = 0;             // kernels
  Identification result_{};
};

}  // namespace ulpscope
