// Which kernel made this output? Every kernel is tried on the inputs, and the ranking is by
// different bits.
//
//   identify({problem, {}, {{Output::o, bf16, codes}}}, {})
//     -> fa2-torch@h200  0 of 65,536 different
//
// First the kernels as they are, on the chips whose rows are verified, with the choices that their
// libraries make by timing. If none of them gives every bit, the same kernels on all chips, and
// then each with one thing changed (kernel_change.hpp), the nearest kernel first: the stores and
// casts of all, then, if none gives every bit, the other changes of all; and the same for rows that
// no recording holds. A change that does not alter a bit of the sample explains nothing and is left
// out, unless all agrees already.
//
// Candidates are screened on a sample: some rows of O and the LSE from all over the problem; of the
// gradients some rows' dQ and some keys' dK and dV, of the first K/V head. The sample has the bits
// of the whole, so whoever differs there is out. All that agree are then computed on everything, so
// that ties are found together, and besides the best few (`ranked`), so that the ranking has
// someone to lead it. The result does not depend on threads.
//
// Where the kernel is known that was meant (`meant`), it alone is tried; if it does not give every
// bit, then everything that is one step from it, the recipe on other chips included.
//
// NaN agrees with NaN. Bits of an unordered dQ (reachable.hpp) agree where some order of the sum
// gives them; that is looked up if no more than a hundredth of the tensor differs.
// Limits: kernels of recipes(), not `exact` and others without tiles; two things changed at once
// are not found. Tested by tests/compare/identify_test.cpp and tests/captured/identify_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/compare/output.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

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

struct MeantKernel {
  const Recipe* recipe;
  const Chip* chip;
};

struct IdentifyOptions {
  int threads = 1;
  // How many of the kernels on one kind of chip, and of a kernel's changes of one kind, are held
  // against everything though none of them agrees on the sample.
  int64_t ranked = 3;
  std::optional<MeantKernel> meant = {};
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
  std::string change;  // empty: the kernel's own row
  bool as_it_is;       // nothing changed but what the kernel's library tunes by timing
  std::vector<Agreement> tensors;

  // "fa2-torch@h200 with tile_keys=32"
  std::string name() const;
  int64_t elements() const;
  int64_t different() const;
};

// A kernel that does not take the problem.
struct RefusedKernel {
  std::string kernel;
  std::string chip;
  std::string why;
};

struct Identification {
  std::vector<Match> ranking;  // fewest different bits first
  int64_t tried = 0;           // candidates, those left out of the ranking included
  std::vector<RefusedKernel> refused;
  bool complete = true;  // false if it was stopped

  // Some candidate gives every bit.
  bool found() const { return !ranking.empty() && ranking.front().different() == 0; }
  // Who gives every bit: kernels as they are, or, where there is none, changed ones.
  std::vector<std::string> kernels() const;
  std::vector<std::string> changes() const;
};

// Errors of kind usage and input: no tensor, two of one kind, gradients without dO, a size that is
// not the problem's, a format that binary32 does not hold, no kernel that takes the problem.
Identification identify(const Observation& observation, const IdentifyOptions& options);

}  // namespace ulpscope
