// Which neighbour is taken: the rounding directions, and what lies beyond the largest number.
//
// A `Rounding` is a value, passed to every operation and spelled once on the command line
// ("rne", "rz", "rne:sat"); there is no global mode. The decision itself is one switch over
// what was lost, in `rounds_away`. Its other axes, overflow, NaN and subnormals, are independent
// of the direction and of each other, and the same for stochastic rounding (stochastic.hpp).
//
//   Lost::half with Mode::nearest_even and an odd kept significand -> away from zero
//
// Sources: IEEE 754-2019 section 4.3 (nearest_even, nearest_away, toward_zero, up, down);
// round to odd as Boldo and Melquiond 2008 define it (any inexact value goes to the odd
// neighbour). Tested by tests/round/rounding_test.cpp.
#pragma once

#include "ulpscope/format/exact.hpp"

namespace ulpscope {

enum class Mode : uint8_t {
  nearest_even,  // rne: ties to the even significand
  nearest_away,  // rna: ties away from zero
  nearest_zero,  // rnz: ties toward zero
  toward_zero,   // rz: truncation
  up,            // ru: toward +infinity
  down,          // rd: toward -infinity
  away,          // ra: away from zero
  to_odd,        // ro: inexact values take the odd neighbour
};

// What a value above the largest finite number becomes. Where a format has no infinity NaN stands
// for it, and where it has no NaN either the largest finite number.
enum class Overflow : uint8_t {
  standard,         // IEEE 754: infinity or the largest finite number, by mode and sign
  infinity,         // infinity, in every mode
  nan,              // NaN, in every mode; an infinity that comes in stays one
  saturate_finite,  // the largest finite number; an infinity that comes in stays one
  saturate,         // the largest finite number, for infinities too (CUDA's satfinite)
};

// Which NaN a NaN result is. A format without NaN gives its largest finite number.
enum class NanRule : uint8_t {
  canonical,  // quiet, sign clear: nan_bits
  propagate,  // the first NaN operand's sign and payload, made quiet; canonical where none came in
  all_ones,   // sign clear, all ones: what NVIDIA's conversions and tensor cores write
};

// Where subnormal numbers are replaced by the zero of their sign.
enum class Flush : uint8_t {
  none,
  inputs,   // operands (denormals are zero)
  outputs,  // results: what is still tiny after rounding with an unbounded exponent range
  both,
};
ULPSCOPE_HD constexpr bool flushes_inputs(Flush flush) {
  return flush == Flush::inputs || flush == Flush::both;
}
ULPSCOPE_HD constexpr bool flushes_outputs(Flush flush) {
  return flush == Flush::outputs || flush == Flush::both;
}

// All that a rounding decides beside the direction. presets.hpp names those of the authorities.
struct Policy {
  Overflow overflow = Overflow::standard;
  NanRule nan = NanRule::canonical;
  Flush flush = Flush::none;

  friend constexpr bool operator==(const Policy&, const Policy&) = default;
};

struct Rounding {
  Mode mode = Mode::nearest_even;
  Policy policy = {};

  friend constexpr bool operator==(const Rounding&, const Rounding&) = default;
};

inline constexpr Rounding nearest_even{Mode::nearest_even};
inline constexpr Rounding nearest_away{Mode::nearest_away};
inline constexpr Rounding nearest_zero{Mode::nearest_zero};
inline constexpr Rounding toward_zero{Mode::toward_zero};
inline constexpr Rounding upward{Mode::up};
inline constexpr Rounding downward{Mode::down};
inline constexpr Rounding away_from_zero{Mode::away};
inline constexpr Rounding to_odd{Mode::to_odd};

// The same direction with every value beyond the range at its end.
ULPSCOPE_HD constexpr Rounding saturating(Rounding r) {
  r.policy.overflow = Overflow::saturate;
  return r;
}

// What rounding drops, in units of the lowest bit kept: the first bit dropped counts two, anything
// below it one.
enum class Lost : uint8_t {
  nothing,     // 000...
  below_half,  // 0xx... with some x set
  half,        // 1000...
  above_half,  // 1xx... with some x set
};

// Half, and something more or an odd significand.
ULPSCOPE_HD constexpr bool more_than_half(Lost lost, bool odd) {
  return static_cast<int>(lost) + static_cast<int>(odd) > static_cast<int>(Lost::half);
}

// Whether the magnitude is increased to the next neighbour. Words instead of jumps: which of two
// neighbours is nearer cannot be guessed.
ULPSCOPE_HD constexpr bool rounds_away(Mode mode, Lost lost, bool negative, bool odd) {
  const bool inexact = lost != Lost::nothing;
  switch (mode) {
    case Mode::nearest_even: return more_than_half(lost, odd);
    case Mode::nearest_away: return lost >= Lost::half;
    case Mode::nearest_zero: return lost == Lost::above_half;
    case Mode::toward_zero: return false;
    case Mode::up: return inexact & !negative;
    case Mode::down: return inexact & negative;
    case Mode::away: return inexact;
    case Mode::to_odd: return inexact & !odd;
  }
  return false;
}

// Whether a value beyond the largest finite number leaves the finite numbers in this mode. To odd
// takes the odd code of the two, which in IEEE formats is the largest finite number's and in
// P3109's signed ones infinity's; a format without infinity stays.
ULPSCOPE_HD constexpr bool overflows_to_infinity(const Format& f, Mode mode, bool negative) {
  switch (mode) {
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_zero:
    case Mode::away: return true;
    case Mode::toward_zero: return false;
    case Mode::to_odd: return has_infinity(f) && (largest_finite_bits<uint128>(f) & 1) == 0;
    case Mode::up: return !negative;
    case Mode::down: return negative;
  }
  return false;
}

}  // namespace ulpscope
