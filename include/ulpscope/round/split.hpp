// What a rounding keeps and what it discards, and the direction that follows from it.
//
// A significand is cut at a bit position: the part above is kept, the part below is a fraction of
// one unit of the kept part, exact but for a sticky rest. A direction is asked one question,
// whether the magnitude goes up to the next neighbour:
//
//   101.100 (binary): kept 101, discarded 0.100 = one half; ByMode{nearest_even} goes up to 110
//
// Tested by tests/round/split_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

namespace ulpscope {

// One ulp in units of the residue.
inline constexpr int64_t residue_one_ulp = int64_t{1} << 32;

template <class Code>
struct BasicRounded {
  Code bits;
  int64_t residue;
  Flag flags;
};
using Rounded = BasicRounded<uint64_t>;

// (word + s) / 2^depth of a unit, 0 <= word < 2^depth, s in (0, 1) if sticky, else 0.
template <class Word>
struct Discarded {
  Word word;
  int depth;
  bool sticky;
};

template <class Word>
ULPSCOPE_HD constexpr Lost lost_of(const Discarded<Word>& d) {
  const auto half = static_cast<unsigned>(static_cast<uint64_t>(d.word >> (d.depth - 1)));
  const bool rest = (d.word & low_mask<Word>(d.depth - 1)) != 0;
  return static_cast<Lost>(2 * half + static_cast<unsigned>(rest | d.sticky));
}

template <class Word>
struct Split {
  Word kept;
  Discarded<Word> discarded;
};

// The lowest `shift` >= 1 bits are discarded; beyond the word's length some become sticky.
template <class Word>
ULPSCOPE_HD constexpr Split<Word> split(const Exact<Word>& x, int shift) {
  if (shift < word_bits<Word>) {
    return {static_cast<Word>(x.significand >> shift),
            {static_cast<Word>(x.significand & low_mask<Word>(shift)), shift, x.sticky}};
  }
  const int depth = word_bits<Word> - 1;
  const auto scaled = shift_right_jam(x.significand, shift - depth);
  return {Word{0}, {scaled.word, depth, scaled.sticky || x.sticky}};
}

namespace detail {

inline constexpr int64_t residue_limit = 0x7FFF'FFFF'FFFF'FFFF;

// A fraction of one ulp in units of 2^-32, cut; `rest` tells that something was cut.
struct Fraction {
  int64_t units;
  bool rest;
};
template <class Word>
ULPSCOPE_HD constexpr Fraction fraction_of_ulp(const Discarded<Word>& d) {
  if (d.depth <= 32) return {static_cast<int64_t>(d.word << (32 - d.depth)), d.sticky};
  const auto cut = shift_right_jam(d.word, d.depth - 32);
  return {static_cast<int64_t>(cut.word), (cut.sticky | d.sticky) != 0};
}

// Within 2^-4 ulp of half way: a tie, had a small rest not decided it.
ULPSCOPE_HD constexpr bool is_broken_tie(Lost lost, Fraction fraction) {
  constexpr int64_t half = residue_one_ulp / 2;
  constexpr int64_t reach = residue_one_ulp / 16;
  // Twice the units, and one for a rest: a number of which one comparison asks for both ends.
  const int64_t above = 2 * (fraction.units - (half - reach)) + static_cast<int64_t>(fraction.rest);
  return (static_cast<uint64_t>(above) <= 4 * reach) != (lost == Lost::half);
}

// The direction of a mode.
struct ByMode {
  Mode mode;

  template <class Word>
  ULPSCOPE_HD constexpr bool away(const Discarded<Word>& d, bool negative, bool odd) const {
    return rounds_away(mode, lost_of(d), negative, odd);
  }
  ULPSCOPE_HD constexpr bool leaves(const Format& f, bool negative) const {
    return overflows_to_infinity(f, mode, negative);
  }
};

}  // namespace detail

}  // namespace ulpscope
