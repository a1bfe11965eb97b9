// The one place that rounds: an exact value in, bits, signed residue and flags out.
//
//   round_pack(bf16, -4.703990459..., nearest_even)
//     -> bits 0xC097 (-4.71875), residue -0.4723 ulp, flags inexact | away | broken_tie
//
// Everything that the library calls rounding, saturating or overflowing happens here; no
// operation, chip model or cast has a notion of "nearest" of its own. What a rounding decides is a
// direction (split.hpp: which neighbour) and a policy (special_codes.hpp: what lies outside).
//
// The residue is rounded minus exact, signed by value, in units of 2^-32 ulp, cut toward zero
// (residue_truncated says when bits were cut). Its ulp is the quantum at which the value was
// rounded: the format's spacing in the binade of the exact value, never below the smallest
// positive number. A value carried up into the next binade keeps the quantum it was rounded at, so
// nearest modes stay within half an ulp. Overflow and non-finite values have no residue; it is
// set to the int64 end of the value's sign (a NaN counts as positive), flagged residue_saturated.
//
// Tininess has both of IEEE 754's meanings (7.5): `underflow` is an inexact result whose value was
// below the smallest normal number before rounding, `underflow_after` one that would be there also
// after rounding with an unbounded exponent range.
//
// Flushing goes by the second meaning, as an H200 does: fma.rn.ftz keeps 2^-126 - 2^-152 = 2^-126
// and makes 0 of 2^-126 - 0.75 x 2^-150, which binary32 would round up to 2^-126
// (docs/validation/2026-11-22-core-oracles.md).
//
// Tested by tests/round/round_pack_test.cpp and, against exact rationals, tests/exhaustive.
#pragma once

#include "ulpscope/round/round_normal.hpp"
#include "ulpscope/round/special_codes.hpp"
#include "ulpscope/round/split.hpp"
#include "ulpscope/round/stochastic.hpp"

namespace ulpscope {

namespace detail {

// Whether a value below the smallest normal number that was rounded up to it stays below it with
// one rounding at full precision.
template <class Word, class Direction>
ULPSCOPE_HD constexpr bool stays_tiny(const Format& f, const Exact<Word>& x,
                                      const Direction& direction) {
  const int top = exponent_of(x);
  const int shift = top - f.trailing_bits - x.exponent;
  if (top < emin(f) - 1 || shift <= 0) return true;
  const auto parts = split(x, shift);
  const bool all_ones = parts.kept == low_mask<Word>(precision(f));
  // With one bit, where codes say what is even, this rung lies below the code 1: it is even.
  const bool odd = f.trailing_bits > 0;
  return !(all_ones && direction.away(parts.discarded, x.negative, odd));
}

// A result that the policy flushes: zero, and the residue is the whole value.
template <class Code>
ULPSCOPE_HD constexpr BasicRounded<Code> flushed(const Format& f, bool negative, Code kept,
                                                 Fraction fraction, Flag flags) {
  constexpr int limit = 31;  // kept < 2^31 leaves the sum below 2^63
  const bool fits = kept >> limit == 0;
  const int64_t size = fits ? (static_cast<int64_t>(kept) << 32) + fraction.units : residue_limit;
  flags |= Flag::inexact | Flag::underflow | Flag::underflow_after;
  flags |= flag_if(fraction.rest, Flag::residue_truncated);
  flags |= flag_if(!fits, Flag::residue_saturated);
  return {signed_bits(f, negative, Code{0}), negative ? size : -size, flags};
}

// Whether a tiny value is below the smallest normal number after rounding with an unbounded
// exponent range too; `magnitude` is what it was rounded to.
template <class Word, class Code, class Direction>
ULPSCOPE_HD constexpr bool tiny_after(const Format& f, const Exact<Word>& x, Code magnitude,
                                      const Direction& direction) {
  const Code first_normal = Code{1} << f.trailing_bits;
  return exponent_of(x) < emin(f) &&
         (magnitude < first_normal || (magnitude == first_normal && stays_tiny(f, x, direction)));
}

// The flags of a value that lost something on its way.
template <class Word>
ULPSCOPE_HD constexpr Flag inexact_flags(const Format& f, const Exact<Word>& x,
                                         const Discarded<Word>& discarded, Fraction fraction,
                                         bool away, bool still_tiny) {
  const Lost lost = lost_of(discarded);
  return Flag::inexact | flag_if(exponent_of(x) < emin(f), Flag::underflow) |
         flag_if(still_tiny, Flag::underflow_after) | flag_if(lost == Lost::half, Flag::tie) |
         flag_if(is_broken_tie(lost, fraction), Flag::broken_tie) | flag_if(away, Flag::away) |
         flag_if(fraction.rest, Flag::residue_truncated);
}

// Every value, whether common or not: what round_normal is measured by.
template <class Code, class Word, class Direction>
ULPSCOPE_HD constexpr BasicRounded<Code> round_general(const Format& f, const Exact<Word>& x,
                                                       const Policy& policy,
                                                       const Direction& direction) {
  if (x.kind != Kind::finite) return pack_special<Code>(f, x, policy);
  // Where the lowest kept bit goes: `quantum` is its power of two.
  const int top = exponent_of(x);
  const bool tiny = top < emin(f);
  if (tiny && f.zero == Zero::none) return below_smallest<Code>(f, x, policy);
  const bool steps_to_normal = tiny && f.subnormals == Subnormals::absent;
  const int quantum = tiny ? smallest_positive_exponent(f) : top - f.trailing_bits;
  const int shift = quantum - x.exponent;
  // The hidden bit of a normal number adds one to the exponent field, and so does a carry; a
  // format without zero counts its binades from field 0. A field that the format lacks would
  // lose bits when shifted to its place: it goes no further.
  const int field = tiny ? 0 : top - emin(f);
  if (static_cast<Code>(field) > largest_finite_bits<Code>(f) >> f.trailing_bits) {
    return unbounded<Code>(f, x, policy, direction.leaves(f, x.negative));
  }
  const Code base = static_cast<Code>(static_cast<Code>(field) << f.trailing_bits) -
                    (f.zero == Zero::none ? Code{1} << f.trailing_bits : Code{0});
  const int step = steps_to_normal ? f.trailing_bits : 0;
  if (shift <= 0) {  // every bit is kept; a sticky value always has bits to lose
    const auto kept = static_cast<Code>(x.significand << -shift);
    const Code magnitude = base + static_cast<Code>(kept << step);
    if (magnitude > largest_finite_bits<Code>(f)) {
      return unbounded<Code>(f, x, policy, direction.leaves(f, x.negative));
    }
    if (x.negative && f.sign == Sign::absent) return below_zero<Code>(f, x, policy);
    if (tiny && flushes_outputs(policy.flush)) {
      return flushed<Code>(f, x.negative, kept, {0, false}, x.flags);
    }
    return {signed_bits(f, x.negative, magnitude), 0, x.flags | flag_if(tiny, Flag::subnormal)};
  }
  const auto parts = split(x, shift);
  const auto kept = static_cast<Code>(parts.kept);
  const Code below = base + static_cast<Code>(kept << step);
  const bool away = direction.away(parts.discarded, x.negative, (below & 1) != 0);
  const Code magnitude = below + (away ? Code{1} << step : Code{0});
  if (magnitude > largest_finite_bits<Code>(f)) {
    return unbounded<Code>(f, x, policy, direction.leaves(f, x.negative));
  }
  const bool is_zero = magnitude == 0 && f.zero != Zero::none;
  if (x.negative && f.sign == Sign::absent && !is_zero) return below_zero<Code>(f, x, policy);
  const auto fraction = fraction_of_ulp(parts.discarded);
  const bool still_tiny = tiny_after(f, x, magnitude, direction);
  if (still_tiny && flushes_outputs(policy.flush)) {
    return flushed<Code>(f, x.negative, kept, fraction, x.flags);
  }
  Flag flags = x.flags | flag_if(is_subnormal(f, magnitude), Flag::subnormal);
  if (lost_of(parts.discarded) != Lost::nothing) {
    flags |= inexact_flags(f, x, parts.discarded, fraction, away, still_tiny);
    const int ones = tiny ? f.trailing_bits : precision(f);
    flags |= flag_if(away && kept != 0 && kept == low_mask<Code>(ones), Flag::round_carry);
  }
  int64_t residue =
      away ? residue_one_ulp - fraction.units - (fraction.rest ? 1 : 0) : -fraction.units;
  if (x.negative) residue = -residue;
  return {signed_bits(f, x.negative, magnitude), residue, flags};
}

template <class Code, class Word, class Direction>
ULPSCOPE_HD constexpr BasicRounded<Code> round_by(const Format& f, const Exact<Word>& x,
                                                  const Policy& policy,
                                                  const Direction& direction) {
  if (rounds_to_normal<Code>(f, x)) [[likely]]
    return round_normal<Code>(f, x, direction);
  return round_general<Code>(f, x, policy, direction);
}

}  // namespace detail

// `x` rounded to `f`. Code is the type of the result's bits: uint64_t unless the format is wider.
template <class Code = uint64_t, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> round_pack(const Format& f, const Exact<Word>& x,
                                                    Rounding r) {
  return detail::round_by<Code>(f, x, r.policy, detail::ByMode{r.mode});
}

// The same with a random direction: `random` holds the `r.bits` random bits, uniform in
// 0 .. 2^bits - 1 (bits above are ignored). Only what is inexact depends on them.
template <class Code = uint64_t, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> round_pack(const Format& f, const Exact<Word>& x,
                                                    Stochastic r, uint64_t random) {
  return detail::round_by<Code>(f, x, r.policy, detail::ByDraw{r, random});
}

// Checks that live beside the definition: 1.0, a tie, and the worked example of the header.
static_assert(round_pack(Format{8, 7, 127}, Exact<uint64_t>{.significand = 1, .kind = Kind::finite},
                         nearest_even)
                  .bits == 0x3F80);
static_assert(round_pack(Format{8, 7, 127}, decode<uint64_t>(Format{8, 23, 127}, 0xC0968717),
                         nearest_even)
                  .bits == 0xC097);

}  // namespace ulpscope
