// Which kernel made this output? Every kernel is tried on the inputs, and the ranking is by
// different bits.
//
//   identify({problem, {}, {{Output::o, bf16, codes}}}, {})
//     -> fa2-torch@h200  0 of 65,536 different
//
// First the kernels as they are, on the chips whose rows are verified, with the choices that their
// libraries make by timing. If none of them gives every bit, the same kernels on all chips, and
// then each with one thing changed (kernel_change.hpp): the likeliest kind of change first, the
// nearest kernel first, up to the first that gives every bit. A change that does not alter a bit of
// the sample explains nothing and is left out, unless all agrees already.
//
// Candidates are screened on a sample: some rows of O and the LSE from all over the problem; of the
// gradients one row tile's dQ and one key tile's dK and dV, of the first K/V head. The sample has
// the bits of the whole, so whoever differs there is out; those that agree, or if nobody does the
// best few, are then computed on everything. The result does not depend on threads.
//
// NaN agrees with NaN. Bits of an unordered dQ (reachable.hpp) agree where some order of the sum
// gives them; that is looked up if no more than a hundredth of the tensor differs.
// Limits: kernels of recipes(), not `exact`; two things changed at once are not found.
// Tested by tests/captured/identify_test.cpp.
#pragma once

#include "ulpscope/attention/problem.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class Output : uint8_t { o, lse, dq, dk, dv };
inline constexpr size_t output_count = 5;
std::string_view output_name(Output output);

// A tensor of unknown origin, in the order of Q (O, dQ), K (dK), V (dV) or without the last axis
// (LSE). A format other than Q's is what the kernel is taken to store.
struct Observed {
  Output output;
  Format format;
  std::vector<uint32_t> codes;
};

struct Observation {
  Problem problem;                 // mask and scale as the caller knows them
  std::span<const uint16_t> dout;  // needed with gradients
  std::vector<Observed> tensors;
};

struct IdentifyOptions {
  int threads = 1;
  std::optional<int> multiprocessors = {};                       // instead of each chip's
  std::function<void(int64_t done, int64_t all)> progress = {};  // candidates
  const std::atomic<bool>* stop = nullptr;
};

struct Agreement {
  Output output;
  int64_t elements;
  int64_t different;
  int64_t other_order;  // not counted as different: reached by another order of an unordered sum
  int64_t first;        // flat index of the first difference, or -1
};

// A candidate, held against every element.
struct Match {
  std::string kernel;
  std::string chip;
  std::string change;  // empty: the kernel as it is
  std::vector<Agreement> tensors;

  int64_t elements() const;
  int64_t different() const;
};

struct Identification {
  std::vector<Match> ranking;        // fewest different bits first
  int64_t tried = 0;                 // candidates, those left out of the ranking included
  std::vector<std::string> refused;  // kernels that do not take the problem: "NAME: why"
  bool complete = true;              // false if it was stopped

  bool found() const { return !ranking.empty() && ranking.front().different() == 0; }
};

// Errors of kind usage and input: no tensor, two of one kind, gradients without dO, a size that is
// not the problem's, a format that binary32 does not hold, no kernel that takes the problem.
Identification identify(const Observation& observation, const IdentifyOptions& options);

}  // namespace ulpscope
