// A kernel treated against one-sided errors of O, and what is left of them: the mitigation of the
// paper and its rivals, on the same inputs.
//
//   const Plan plan = make_plan(...);
//   const OutputWitness witness(plan, reference);       // exact attention, computed once
//   for (const Treatment& t : usual_treatments(plan, rounding_of_output(plan)))
//     witness.errors(treated(plan, t), options)         // by head
//
// Errors are counted in ulps of the input's format, whatever O is stored in, and against two
// references:
//   exact P      exact attention
//   rounded P    exact attention but for P: sum P16 V / sum P, with P the kernel's own before its
//                cast and P16 behind it, in binary64
// What moves the maximum off the scores makes P round where it was exactly 1 before. That shows
// against exact P alone; against rounded P a mitigation looks better than it is.
//
// Limits: O alone. The rounded P of different tiles are weighed by exp of the difference of their
// maxima, which the kernel has in binary32: an error below 10^-3 ulp of bf16. Sources: Qiu and Yao,
// arXiv 2510.04212, sections on the mitigation; the treatments' rows are those of its discussion.
// Tested by tests/analysis/treatment_test.cpp.
#pragma once

#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/reference_outputs.hpp"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

struct Treatment {
  std::string name;
  std::vector<SiteOverride> sites = {};
  MaximumOverride maximum = {};
};

// The first site at which O is rounded to 16 bits, P.V of a tile included: there a sum near a tie
// meets the rounding, and what comes later rounds what is left. Error of kind usage where none
// does.
Site rounding_of_output(const Plan& plan);

// As it is; the published mitigation with beta 2 and 7; the one of the paper's code; offsets 0.1
// and ln 2; a stochastic rounding at the site; O in binary32 throughout.
std::vector<Treatment> usual_treatments(const Plan& plan, Site site);

Plan treated(Plan plan, const Treatment& treatment);

// Errors of some rows of some heads.
struct OutputErrors {
  ErrorStatistics exact;
  ErrorStatistics rounded;     // empty where P is not cast
  uint64_t not_finite = 0;     // elements of O that are NaN or infinite and should not be
  double drift = 0;            // sum over rows of dO (O - exact O)
  double drift_magnitude = 0;  // sum over rows of its magnitude

  void merge(const OutputErrors& other);
};

struct TreatedHead {
  int64_t batch;
  int64_t head;
  OutputErrors all;
  // By the row's maximum, in natural units: from the key up to the next one.
  std::map<int, OutputErrors> by_maximum;
};

struct TreatmentOptions {
  int64_t first_row = 0;  // rows before it are left out
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;
};

class OutputWitness {
 public:
  static constexpr int bin = 2;  // width of a bin of maxima

  // `plan` is the kernel as it is, dout may be empty. Both and the reference must outlive the
  // witness.
  OutputWitness(const Plan& plan, const ForwardReference& reference,
                std::span<const uint16_t> dout);

  // One entry a head; nothing if it was stopped. The first call must be of the kernel as it is: its
  // maxima are those by which rows are counted.
  std::optional<std::vector<TreatedHead>> errors(const Plan& plan, const TreatmentOptions& options);

 private:
  struct Run;
  bool run(const Plan& plan, const TreatmentOptions& options, Run& run) const;
  TreatedHead head_errors(const Plan& plan, const Run& run, int64_t outer, int64_t first_row) const;

  const Problem& problem_;
  const ForwardReference& reference_;
  std::vector<double> v_;        // decoded
  std::vector<double> dout_;     // decoded; empty without dO
  std::vector<double> maximum_;  // of every row; empty before the first call
};

}  // namespace ulpscope
