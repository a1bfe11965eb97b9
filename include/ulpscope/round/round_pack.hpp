// The one place that rounds: an exact value in, bits, signed residue and flags out.
//
//   round_pack(bf16, -4.703990459..., nearest_even)
//     -> bits 0xC097 (-4.71875), residue -0.4723 ulp, flags inexact | away
//
// Everything that the library calls rounding, saturating or overflowing happens here; no
// operation, chip model or cast has a notion of "nearest" of its own.
//
// The residue is rounded minus exact, signed by value, in units of 2^-32 ulp, cut toward zero
// (residue_truncated says when bits were cut). Its ulp is the quantum at which the value was
// rounded: the format's spacing in the binade of the exact value, never below the smallest
// subnormal. A value carried up into the next binade keeps the quantum it was rounded at, so
// nearest modes stay within half an ulp. Overflow and non-finite values have no residue; it is
// set to the int64 end of the value's sign (a NaN counts as positive), flagged residue_saturated.
//
// Tested by tests/round/round_pack_test.cpp and, against exact rationals, tests/exhaustive.
#pragma once

#include "ulpscope/round/rounding.hpp"

namespace ulpscope {

// One ulp in units of the residue.
inline constexpr int64_t residue_one_ulp = int64_t{1} << 32;

struct Rounded {
  uint64_t bits;
  int64_t residue;
  Flag flags;
};

namespace detail {

inline constexpr int64_t residue_limit = 0x7FFF'FFFF'FFFF'FFFF;

ULPSCOPE_HD constexpr Rounded unbounded(const Format& f, bool negative, Rounding r, Flag flags) {
  const uint64_t sign = negative ? sign_mask(f) : 0;
  const bool leaves = r.overflow == Overflow::standard && f.specials != Specials::finite &&
                      overflows_to_infinity(r.mode, negative);
  const uint64_t magnitude = !leaves           ? largest_finite_bits(f)
                             : has_infinity(f) ? infinity_bits(f)
                                               : nan_bits(f);
  return {leaves && !has_infinity(f) ? nan_bits(f) : (sign | magnitude),
          negative ? -residue_limit : residue_limit,
          flags | Flag::overflow | Flag::inexact | Flag::residue_saturated};
}

// Infinity and NaN that arrive as such. A format without the code gives its nearest stand-in:
// NaN for infinity, and in a format without NaN the largest finite number for both.
ULPSCOPE_HD constexpr Rounded pack_special(const Format& f, Kind kind, bool negative, Rounding r,
                                           Flag flags) {
  const uint64_t sign = negative ? sign_mask(f) : 0;
  flags |= Flag::residue_saturated;
  if (kind == Kind::nan) {
    return {has_nan(f) ? nan_bits(f) : largest_finite_bits(f), residue_limit,
            flags | flag_if(!has_nan(f), Flag::invalid)};
  }
  const int64_t residue = negative ? -residue_limit : residue_limit;
  if (r.overflow == Overflow::saturate || f.specials == Specials::finite) {
    return {sign | largest_finite_bits(f), residue, flags | Flag::overflow | Flag::inexact};
  }
  if (has_infinity(f)) return {sign | infinity_bits(f), residue, flags};
  return {nan_bits(f), residue, flags | Flag::overflow | Flag::inexact};
}

// The discarded bits as a fraction of one ulp in units of 2^-32, cut; `rest` tells what was cut.
struct Fraction {
  int64_t units;
  bool rest;
};
template <class Word>
ULPSCOPE_HD constexpr Fraction fraction_of_ulp(Word discarded, int shift, bool sticky) {
  if (shift <= 32) return {static_cast<int64_t>(discarded << (32 - shift)), sticky};
  const auto cut = shift_right_jam(discarded, shift - 32);
  return {static_cast<int64_t>(cut.word), cut.sticky || sticky};
}

}  // namespace detail

template <class Word>
ULPSCOPE_HD constexpr Rounded round_pack(const Format& f, const Exact<Word>& x, Rounding r) {
  const uint64_t sign = x.negative ? sign_mask(f) : 0;
  if (x.kind != Kind::finite) {
    if (x.kind == Kind::zero) return {sign, 0, x.flags};
    return detail::pack_special(f, x.kind, x.negative, r, x.flags);
  }
  // Where the lowest kept bit goes: `quantum` is its power of two.
  const int top = exponent_of(x);
  const bool tiny = top < emin(f);
  const int quantum = (tiny ? emin(f) : top) - f.trailing_bits;
  const int shift = quantum - x.exponent;
  // The hidden bit of a normal number adds one to the exponent field, and so does a carry.
  // A field that the format lacks would lose bits when shifted to its place: it goes no further.
  const auto field = static_cast<uint64_t>(tiny ? 0 : top - emin(f));
  if (field > (largest_finite_bits(f) >> f.trailing_bits)) {
    return detail::unbounded(f, x.negative, r, x.flags);
  }
  if (shift <= 0) {  // every bit is kept; a sticky value always has bits to lose
    const auto kept = static_cast<uint64_t>(x.significand << -shift);
    const uint64_t magnitude = (field << f.trailing_bits) + kept;
    if (magnitude > largest_finite_bits(f)) return detail::unbounded(f, x.negative, r, x.flags);
    return {sign | magnitude, 0, x.flags | flag_if(tiny, Flag::subnormal)};
  }
  // Split into what is kept and what is lost.
  const bool beyond = shift >= word_bits<Word>;
  const Word kept_word = beyond ? Word{0} : static_cast<Word>(x.significand >> shift);
  const Word discarded =
      beyond ? x.significand : static_cast<Word>(x.significand & low_mask<Word>(shift));
  const int excess = beyond ? shift - (word_bits<Word> - 1) : 0;
  const auto scaled = shift_right_jam(discarded, excess);
  const int depth = shift - excess;  // the discarded bits are a fraction of 2^depth
  const bool sticky = x.sticky || scaled.sticky;
  const Word half = Word{1} << (depth - 1);
  const Lost lost = scaled.word == 0 && !sticky    ? Lost::nothing
                    : scaled.word < half           ? Lost::below_half
                    : scaled.word > half || sticky ? Lost::above_half
                                                   : Lost::half;
  const auto kept = static_cast<uint64_t>(kept_word);
  const bool away = rounds_away(r.mode, lost, x.negative, (kept & 1) != 0);
  const uint64_t magnitude = (field << f.trailing_bits) + kept + (away ? 1 : 0);
  if (magnitude > largest_finite_bits(f)) return detail::unbounded(f, x.negative, r, x.flags);

  const auto fraction = detail::fraction_of_ulp(scaled.word, depth, sticky);
  int64_t residue =
      away ? residue_one_ulp - fraction.units - (fraction.rest ? 1 : 0) : -fraction.units;
  if (x.negative) residue = -residue;
  Flag flags = x.flags;
  if (lost != Lost::nothing) {
    flags |= Flag::inexact | flag_if(tiny, Flag::underflow);
    flags |= flag_if(lost == Lost::half, Flag::tie) | flag_if(away, Flag::away);
    flags |= flag_if(away && kept + 1 == uint64_t{1} << (tiny ? f.trailing_bits : precision(f)),
                     Flag::round_carry);
    flags |= flag_if(fraction.rest, Flag::residue_truncated);
  }
  flags |= flag_if(magnitude != 0 && magnitude < (uint64_t{1} << f.trailing_bits), Flag::subnormal);
  return {sign | magnitude, residue, flags};
}

// Checks that live beside the definition: 1.0, a tie, and the worked example of the header.
static_assert(round_pack(Format{8, 7, 127}, Exact<uint64_t>{.significand = 1, .kind = Kind::finite},
                         nearest_even)
                  .bits == 0x3F80);
static_assert(round_pack(Format{8, 7, 127}, decode<uint64_t>(Format{8, 23, 127}, 0xC0968717),
                         nearest_even)
                  .bits == 0xC097);

}  // namespace ulpscope
