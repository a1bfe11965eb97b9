// Which step of a kernel causes the error of its outputs, and their bias: every suspect is made
// exact alone, left on alone, and switched on behind those that come before it.
//
//   const auto tensors = attribute({plan, &backward, dout}, {.threads = 4}).tensors;
//   tensors[0].cause(tensors[0].subject())->suspects     {Site::output_store}
//
// Of O, delta and the gradients, each in ulps of the format that the kernel stores (delta in those
// of O), against one reference:
//
//   left       this step exact, all others as the kernel has them;  removed = kernel - left
//   alone      this step as the kernel has it, all others exact
//   increment  the build-up: all steps are exact at first and are switched on one after the other,
//              in the order of the computation; what this one adds
//
// The increments add up to the kernel's error exactly, as integers, where every run gives every
// element an error (dQ of a row that sees one key is 0 and has none), and that is what names the
// cause: the step at which the bias comes in. Where a number is rounded several times in a row (the
// paper's code rounds O after P.V, rescaling, adding and dividing), making one of them exact leaves
// the bias to the next, and each of them alone brings it; in the build-up the first one does.
//
// The cause is the suspect whose increment is the largest in the direction of the bias, if that is
// more than half of it; or up to `most_suspects` that reach half together. An increment counts
// where its own |z| is 5, over paired differences with the clustered standard error (residues.hpp).
// A remedy is the single suspect that leaves the least bias when made exact, at most half. Nobody
// is accused where nothing is biased. Heads may err in opposite directions: each has its own
// verdict.
//
// Limits: a later step may undo what an earlier one brings; then the increments say so, but the
// earlier one is no cause. Time: three runs a suspect. Tested by
// tests/analysis/attribution_test.cpp and, on the recording, tests/captured/attribution_test.cpp.
#pragma once

#include "ulpscope/analysis/residues.hpp"
#include "ulpscope/analysis/suspect.hpp"
#include "ulpscope/attention/schedule.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class Attributed : uint8_t { o, delta, dq, dk, dv };
inline constexpr std::array<std::string_view, 5> attributed_names{"o", "delta", "dq", "dk", "dv"};
constexpr std::string_view name_of(Attributed tensor) {
  return attributed_names[static_cast<size_t>(tensor)];
}

struct SuspectEffect {
  Suspect suspect;
  HeadFigures left;
  HeadFigures removed;
  HeadFigures alone;
  HeadFigures increment;
};

struct Cause {
  std::vector<Suspect> suspects;  // one, or a few that share it, in the order of the computation
  double brought;                 // ulp, by all of them
};

struct Remedy {
  Suspect suspect;
  ErrorFigures left;
};

struct TensorAttribution {
  static constexpr size_t most_suspects = 3;

  Attributed tensor;
  HeadFigures kernel;
  HeadFigures exact;                   // every suspect exact
  std::vector<SuspectEffect> effects;  // in the order of the computation

  // Where the bias is largest; `part` counts as HeadFigures does: 0 the whole, 1 + h a head.
  size_t subject() const;
  bool biased(size_t part) const { return is_biased(kernel[part].bias); }
  std::optional<Cause> cause(size_t part) const;
  std::optional<Remedy> remedy(size_t part) const;
};

struct AttributionProblem {
  const Plan& plan;
  const BackwardPlan* backward = nullptr;  // null: forward pass only
  std::span<const uint16_t> dout = {};
};

struct AttributionOptions {
  int threads = 1;
  std::function<void(int64_t done, int64_t all)> progress = {};  // runs
  const std::atomic<bool>* stop = nullptr;
};

struct Attribution {
  std::vector<TensorAttribution> tensors;
  bool complete = true;
};

Attribution attribute(const AttributionProblem& problem, const AttributionOptions& options);

}  // namespace ulpscope
