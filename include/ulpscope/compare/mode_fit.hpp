// Which rounding turned a wide tensor into a narrow one? Every mode, policy of overflow and
// flushing is tried on every element, through round_pack.
//
//   ModeFitTally tally(fp32, bf16);
//   for (...) tally.add(wide_code, observed_code);
//   tally.fit().ranking     rz explains 65,536 of 65,536, rd 49,202, ru 32,790, rne 32,611 ...
//
// An element is explained by a rounding that gives its bits; any NaN explains a NaN. Roundings that
// agree on every element of the tensor are one entry, under the plainest names: without subnormal
// results rz and rz:ftz cannot be told apart. Stochastic rounding takes either neighbour, so all
// that can be said of it is how many elements are one.
//
// A tally is a value: those of parts merge to that of the whole, in any order. Limits: one rounding
// from the wide value; an output of attention is judged by identify.hpp.
// Tested by tests/compare/mode_fit_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/names.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace ulpscope {

struct FittedRounding {
  std::vector<Rounding> roundings;  // that no element tells apart
  uint64_t explained;
};

struct ModeFit {
  uint64_t elements = 0;
  uint64_t telling = 0;           // on which not all roundings agree
  uint64_t either_neighbour = 0;  // that are the value toward zero or the one away from it
  std::vector<FittedRounding>
      ranking;  // most explained first, equal ones in the order of the modes

  bool is_explained() const { return ranking.front().explained == elements; }
};

// Which of N things no element has told apart so far: each names the first one that is like it.
template <size_t N>
class Partition {
 public:
  Partition();
  // Whether all outputs are equal; if not, things of one class with different outputs part.
  bool refine(const std::array<uint64_t, N>& outputs);
  void meet(const Partition& other);
  size_t first_like(size_t i) const { return first_like_[i]; }

 private:
  std::array<uint64_t, N> first_like_;
};

class ModeFitTally {
 public:
  static constexpr size_t modes = mode_names.size();
  static constexpr size_t overflows = overflow_names.size() + 1;
  static constexpr size_t flushes = 4;
  static constexpr size_t candidates = modes * overflows * flushes;

  ModeFitTally(const Format& from, const Format& to) : from_(from), to_(to) {}

  void add(uint64_t wide, uint64_t observed);
  void merge(const ModeFitTally& other);
  ModeFit fit() const;

 private:
  struct Neighbours {
    uint64_t toward_zero;
    uint64_t away;
  };
  bool is_for_modes(uint64_t wide, const Exact<uint128>& x) const;
  void add_by_mode(const Neighbours& neighbours, const Exact<uint128>& x, uint64_t observed);
  void add_by_policy(uint64_t wide, uint64_t observed);
  bool explains(uint64_t bits, uint64_t observed) const;

  Format from_;
  Format to_;
  uint64_t elements_ = 0;
  uint64_t telling_ = 0;
  uint64_t either_neighbour_ = 0;
  std::array<uint64_t, modes> explained_by_mode_{};  // elements that only modes tell apart
  std::array<uint64_t, candidates> explained_{};     // all others
  Partition<modes> by_mode_;
  Partition<candidates> by_policy_;
};

}  // namespace ulpscope
