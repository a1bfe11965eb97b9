// The common rounding: a finite value whose result is a normal number away from the end of the
// range, and whose residue 32 bits hold. Everything else is round_general's (round_pack.hpp).
//
// What random operands decide (signs, directions, carries, ties) cannot be guessed by a processor,
// and a wrong guess costs as much as the whole rounding. So there is no jump here: with its highest
// bit moved to the top of the word, a significand is cut at the same place whatever its length, and
// conditions are words of 0 or 1. To bf16, which keeps 8 bits:
//
//   -4.703990459 = -0x968717 x 2^-21
//     at the top of 64 bits   0x96 871700'00000000
//     kept                    0x96
//     units of 2^-32 ulp      0x87170000      above half, so away: 0x97
//     residue                 -(2^32 - 0x87170000) = -0x78E90000, -0.4723 ulp
//     code                    8000 | (129 - 1) << 7 + 97 = C097; a carry would go into the exponent
//
// The decisions are those of every rounding (rounds_away, lost_of, is_broken_tie).
// Tested by tests/round/round_normal_test.cpp, against round_general.
#pragma once

#include "ulpscope/round/split.hpp"

namespace ulpscope {

namespace detail {

// How many binades above the smallest normal one a finite value lies.
template <class Word>
ULPSCOPE_HD constexpr int binade_of(const Format& f, const Exact<Word>& x) {
  return x.exponent - leading_zeros(x.significand) + (word_bits<Word> - 1 - emin(f));
}

// The significand of a finite value, its highest bit at the top.
template <class Word>
ULPSCOPE_HD constexpr Word at_top(Word significand) {
  return static_cast<Word>(significand << leading_zeros(significand));
}

// Whether round_normal may take x. The highest binade is left out, where rounding may overflow.
template <class Code, class Word>
ULPSCOPE_HD constexpr bool rounds_to_normal(const Format& f, const Exact<Word>& x) {
  if (f.zero == Zero::none || precision(f) >= word_bits<Word>) return false;
  if (x.kind != Kind::finite || (x.negative && f.sign == Sign::absent)) return false;
  const auto highest = static_cast<int>(largest_finite_bits<Code>(f) >> f.trailing_bits) - 1;
  const int binade = binade_of(f, x);
  const auto discarded = static_cast<Word>(at_top(x.significand) << precision(f));
  const auto below_units = static_cast<Word>(discarded & low_mask<Word>(word_bits<Word> - 32));
  return binade >= 0 && binade < highest && below_units == 0 && !x.sticky;
}

template <class Code, class Word, class Direction>
ULPSCOPE_HD constexpr BasicRounded<Code> round_normal(const Format& f, const Exact<Word>& x,
                                                      const Direction& direction) {
  const Word top = at_top(x.significand);
  const auto kept = static_cast<Code>(top >> (word_bits<Word> - precision(f)));
  const auto units =
      static_cast<uint64_t>(static_cast<Word>(top << precision(f)) >> (word_bits<Word> - 32));
  const Discarded<uint64_t> discarded{units, 32, false};
  const Lost lost = lost_of(discarded);
  // The hidden bit in `kept` adds one to the exponent field, and so does a carry.
  const auto base = static_cast<Code>(static_cast<Code>(binade_of(f, x)) << f.trailing_bits);
  const bool away = direction.away(discarded, x.negative, ((base + kept) & 1) != 0);
  const Code rounded = kept + static_cast<Code>(away);
  const bool carry = (rounded >> precision(f)) != 0;
  const Flag flags = x.flags | flag_if(lost != Lost::nothing, Flag::inexact) |
                     flag_if(lost == Lost::half, Flag::tie) |
                     flag_if(is_broken_tie(lost, fraction_of_ulp(discarded)), Flag::broken_tie) |
                     flag_if(away, Flag::away) | flag_if(carry, Flag::round_carry);
  // Negative by (r ^ -1) + 1.
  const int64_t residue = (static_cast<int64_t>(away) << 32) - static_cast<int64_t>(units);
  const auto negative = static_cast<int64_t>(x.negative);
  const Code sign = static_cast<Code>(x.negative) << (f.exponent_bits + f.trailing_bits);
  return {sign | (base + rounded), (residue ^ -negative) + negative, flags};
}

}  // namespace detail

}  // namespace ulpscope
