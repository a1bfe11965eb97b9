// What a policy makes of values that a format has no number for: overflow, infinities, NaN, and the
// zeros and negative numbers that some formats lack.
//
//   e4m3fn: 500 overflows to NaN 0x7F by the standard policy, to 448 = 0x7E when saturating
//   e8m0fnu: 0 and -1 become NaN, 2^-130 and, saturating, 0 the smallest number 2^-127
//
// Infinity is replaced by NaN where a format lacks it, and NaN by the largest finite number; the
// flags tell. A negative value in a format without signs becomes zero and is invalid; where there
// is no zero either it is NaN. None of these has a residue: it is flagged residue_saturated.
//
// Sources: IEEE P3109 draft 3.2 (negative values of unsigned formats, infinities that saturate
// where a format has none); ml_dtypes 0.6 for zero in e8m0fnu.
// Tested by tests/round/special_codes_test.cpp.
#pragma once

#include "ulpscope/round/split.hpp"

namespace ulpscope {

namespace detail {

ULPSCOPE_HD constexpr bool saturates(const Policy& policy) {
  return policy.overflow == Overflow::saturate || policy.overflow == Overflow::saturate_finite;
}

ULPSCOPE_HD constexpr int64_t residue_end(bool negative) {
  return negative ? -residue_limit : residue_limit;
}

// The code that stands for infinity, and whether it is one.
template <class Code>
struct Beyond {
  Code bits;
  bool infinite;
};
template <class Code>
ULPSCOPE_HD constexpr Beyond<Code> beyond(const Format& f, bool negative) {
  if (has_infinity(f)) return {signed_bits(f, negative, infinity_bits<Code>(f)), true};
  if (has_nan(f)) return {nan_bits<Code>(f), false};
  return {signed_bits(f, negative, largest_finite_bits<Code>(f)), false};
}

// Negative, in a format without signs. Code 0 is zero, or the smallest number without one.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> below_zero(const Format& f, const Exact<Word>& x,
                                                    const Policy& policy) {
  const Flag flags = x.flags | Flag::residue_saturated | Flag::invalid | Flag::inexact;
  const bool clamps =
      saturates(policy) || (f.zero != Zero::none && policy.overflow != Overflow::nan);
  return {clamps ? Code{0} : nan_bits<Code>(f), residue_limit, flags};
}

// Smaller than the smallest number of a format without zero: that number takes its place.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> below_smallest(const Format& f, const Exact<Word>& x,
                                                        const Policy& policy) {
  if (x.negative && f.sign == Sign::absent) return below_zero<Code>(f, x, policy);
  const Flag flags = x.flags | Flag::residue_saturated | Flag::inexact | Flag::underflow |
                     Flag::underflow_after | Flag::away;
  return {signed_bits(f, x.negative, Code{0}), residue_end(x.negative), flags};
}

// Zero in a format that may lack it, or lack its sign.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> pack_zero(const Format& f, const Exact<Word>& x,
                                                   const Policy& policy) {
  if (f.zero != Zero::none) return {signed_bits(f, x.negative, Code{0}), 0, x.flags};
  const Flag flags = x.flags | Flag::residue_saturated | Flag::inexact | Flag::invalid;
  return {saturates(policy) ? Code{0} : nan_bits<Code>(f), residue_limit, flags};
}

// A finite value above the largest number; `leaves` tells that its direction points to infinity.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> unbounded(const Format& f, const Exact<Word>& x,
                                                   const Policy& policy, bool leaves) {
  if (x.negative && f.sign == Sign::absent) return below_zero<Code>(f, x, policy);
  const Flag flags = x.flags | Flag::overflow | Flag::inexact | Flag::residue_saturated;
  const Code largest = signed_bits(f, x.negative, largest_finite_bits<Code>(f));
  const auto outside = beyond<Code>(f, x.negative);
  const auto bits = [&]() -> Code {
    switch (policy.overflow) {
      case Overflow::standard: return leaves ? outside.bits : largest;
      case Overflow::infinity: return outside.bits;
      case Overflow::nan: return has_nan(f) ? nan_bits<Code>(f) : largest;
      case Overflow::saturate_finite:
      case Overflow::saturate: return largest;
    }
    return largest;
  };
  return {bits(), residue_end(x.negative), flags};
}

// The NaN of a result, by rule; in formats with one NaN (or two that differ in sign) no payload.
template <class Code, class Word>
ULPSCOPE_HD constexpr Code nan_result(const Format& f, const Exact<Word>& x, NanRule rule) {
  switch (rule) {
    case NanRule::canonical: return nan_bits<Code>(f);
    case NanRule::all_ones:
      return f.nan == Nan::minus_zero ? nan_bits<Code>(f)
             : has_nan(f)             ? magnitude_mask<Code>(f)
                                      : nan_bits<Code>(f);
    case NanRule::propagate: {
      if (!has_nan(f) || f.nan == Nan::minus_zero) return nan_bits<Code>(f);
      const auto payload = f.nan == Nan::ieee && f.trailing_bits > 0
                               ? static_cast<uint64_t>(x.significand) >> (64 - f.trailing_bits)
                               : 0;
      return signed_bits(f, x.negative, nan_bits<Code>(f) | static_cast<Code>(payload));
    }
  }
  return 0;
}

// Infinity that arrives as such.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> pack_infinity(const Format& f, const Exact<Word>& x,
                                                       const Policy& policy) {
  if (x.negative && f.sign == Sign::absent) return below_zero<Code>(f, x, policy);
  const Flag flags = x.flags | Flag::residue_saturated;
  const auto outside = beyond<Code>(f, x.negative);
  if (policy.overflow != Overflow::saturate && outside.infinite) {
    return {outside.bits, residue_end(x.negative), flags};
  }
  const Code largest = signed_bits(f, x.negative, largest_finite_bits<Code>(f));
  return {saturates(policy) ? largest : outside.bits, residue_end(x.negative),
          flags | Flag::overflow | Flag::inexact};
}

template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> pack_special(const Format& f, const Exact<Word>& x,
                                                      const Policy& policy) {
  if (x.kind == Kind::zero) return pack_zero<Code>(f, x, policy);
  if (x.kind == Kind::infinity) return pack_infinity<Code>(f, x, policy);
  return {nan_result<Code>(f, x, policy.nan), residue_limit,
          x.flags | Flag::residue_saturated | flag_if(!has_nan(f), Flag::invalid)};
}

}  // namespace detail

}  // namespace ulpscope
