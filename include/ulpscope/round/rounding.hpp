// Which neighbour is taken: the rounding directions, and what lies beyond the largest number.
//
// A `Rounding` is a value, passed to every operation and spelled once on the command line
// ("rne", "rz", "rne:sat"); there is no global mode. The decision itself is one switch over
// what was lost, in `rounds_away`.
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

// What a value above the largest finite number becomes.
enum class Overflow : uint8_t {
  standard,  // IEEE 754: by mode, infinity or the largest finite; NaN where a format lacks infinity
  saturate,  // the largest finite number, infinities included (CUDA's satfinite); NaN stays NaN
};

struct Rounding {
  Mode mode = Mode::nearest_even;
  Overflow overflow = Overflow::standard;

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

ULPSCOPE_HD constexpr Rounding saturating(Rounding r) { return {r.mode, Overflow::saturate}; }

// What rounding drops, in units of the lowest bit kept:
enum class Lost : uint8_t {
  nothing,     // 000...
  below_half,  // 0xx... with some x set
  half,        // 1000...
  above_half,  // 1xx... with some x set
};

// Whether the magnitude is increased to the next neighbour.
ULPSCOPE_HD constexpr bool rounds_away(Mode mode, Lost lost, bool negative, bool odd) {
  if (lost == Lost::nothing) return false;
  switch (mode) {
    case Mode::nearest_even: return lost == Lost::above_half || (lost == Lost::half && odd);
    case Mode::nearest_away: return lost == Lost::above_half || lost == Lost::half;
    case Mode::nearest_zero: return lost == Lost::above_half;
    case Mode::toward_zero: return false;
    case Mode::up: return !negative;
    case Mode::down: return negative;
    case Mode::away: return true;
    case Mode::to_odd: return !odd;
  }
  return false;
}

// Whether a value beyond the largest finite number leaves the finite numbers in this mode.
// To odd stays: in every catalogue format with infinities the largest finite code is odd.
ULPSCOPE_HD constexpr bool overflows_to_infinity(Mode mode, bool negative) {
  switch (mode) {
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_zero:
    case Mode::away: return true;
    case Mode::toward_zero:
    case Mode::to_odd: return false;
    case Mode::up: return !negative;
    case Mode::down: return negative;
  }
  return false;
}

}  // namespace ulpscope
