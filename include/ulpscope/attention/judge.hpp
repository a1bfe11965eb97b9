// The error of a step that hardware rounded in its own way: result against the exact value.
//
// Where round_pack rounds, the residue comes with the result. A chain of fused sums or a special
// function is judged afterwards: residue = result - exact, in units of 2^-32 ulp, cut toward
// zero. The ulp is the site format's spacing at the larger of the two magnitudes, so that a sum
// that cancels to almost nothing has a large error, but never one without bounds.
//
//   exact = 1 + 2^-23 + 2^-24, result = 1 + 2^-23 in binary32: residue = -2^31 (half an ulp low)
//
// Tested by tests/attention/judge_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/trace/moments.hpp"

namespace ulpscope {

namespace detail {

struct Units {
  int128 floor;   // in units, toward minus infinity
  bool fraction;  // whether something lies above the floor
};

template <class Word>
constexpr Units in_units(const Exact<Word>& x, int unit) {
  if (x.kind == Kind::zero) return {0, false};
  const int shift = x.exponent - unit;
  const uint128 significand = x.significand;
  const auto cut = shift >= 0 ? Jammed<uint128>{significand << shift, false}
                              : shift_right_jam(significand, -shift);
  const bool fraction = cut.sticky || x.sticky;
  const auto magnitude = static_cast<int128>(cut.word);
  return {x.negative ? -magnitude - (fraction ? 1 : 0) : magnitude, fraction};
}

}  // namespace detail

// `value` is a register that holds a number of format `f`; `flags` are what the step raised.
template <class Word>
constexpr Record judged(const Format& f, uint32_t value, const Exact<Word>& exact, Flag flags) {
  flags |= Flag::judged;
  const auto result = register_value(value);
  const auto is_number = [](Kind kind) { return kind == Kind::finite || kind == Kind::zero; };
  flags |= flag_if(result.kind == Kind::infinity && is_number(exact.kind), Flag::overflow);
  // A saturated result is a number, but as little an error as an infinity.
  if (!is_number(result.kind) || !is_number(exact.kind) || has(flags, Flag::overflow)) {
    return {0, flags | Flag::residue_saturated, exact.negative};
  }
  int top = emin(f);
  if (exact.kind == Kind::finite && exponent_of(exact) > top) top = exponent_of(exact);
  if (result.kind == Kind::finite && exponent_of(result) > top) top = exponent_of(result);
  const int unit = top - f.trailing_bits - 32;
  const auto r = detail::in_units(result, unit);
  const auto e = detail::in_units(exact, unit);
  auto residue = static_cast<int64_t>(r.floor - e.floor);
  // The true difference lies within a unit of the difference of the floors.
  if (e.fraction && !r.fraction && residue > 0) --residue;
  if (r.fraction && !e.fraction && residue < 0) ++residue;
  const bool inexact = residue != 0 || e.fraction != r.fraction;
  const bool small = result.kind == Kind::finite && exponent_of(result) < emin(f);
  flags |= flag_if(inexact, Flag::inexact) | flag_if(small, Flag::subnormal) |
           flag_if(small && inexact, Flag::underflow) |
           flag_if(e.fraction || r.fraction, Flag::residue_truncated);
  return {residue, flags, exact.negative};
}

}  // namespace ulpscope
