// What the codes of a format mean, decoded a second time: the reference shares nothing with the
// core but the row of four numbers, so that one cannot repeat the other's mistake.
//
// The magnitudes of a format are the rungs of a ladder. Rung k is the value of the code k with a
// clear sign, read as if no code were set aside for infinity or NaN; values grow with k, and the
// step from rung k to rung k + 1 is the ulp there. To round is to find the two rungs around a
// value by comparing and to pick one; overflow is to pick a rung above top_rung.
//
//   bf16: rung 0x3F80 = 128 x 2^-7 = 1, rung 0x3F81 = 129 x 2^-7; top_rung = 0x7F7F
//
// Sources: IEEE 754-2019 section 3.4, OCP OFP8 1.0. Tested by tests/reference/ladder_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

namespace ulpscope {

// significand x 2^exponent. The next rung up is (significand + 1) x 2^exponent.
struct Rung {
  uint64_t significand;
  int exponent;
};

constexpr Rung rung(const Format& f, uint64_t k) {
  const uint64_t hidden = uint64_t{1} << f.trailing_bits;
  const uint64_t field = k / hidden;
  const uint64_t trailing = k % hidden;
  // A field of zero means the exponent of field one, without the hidden bit.
  const int lowest = 1 - f.bias - f.trailing_bits;
  if (field == 0) return {trailing, lowest};
  return {hidden + trailing, lowest + static_cast<int>(field) - 1};
}

// How many codes have a clear sign.
constexpr uint64_t magnitude_count(const Format& f) {
  return uint64_t{1} << (f.exponent_bits + f.trailing_bits);
}

// The code of the largest finite number.
constexpr uint64_t top_rung(const Format& f) {
  const uint64_t count = magnitude_count(f);
  switch (f.specials) {
    case Specials::ieee: return count - (uint64_t{1} << f.trailing_bits) - 1;
    case Specials::fn: return count - 2;
    case Specials::finite: return count - 1;
  }
  return 0;
}

// The smallest code that is a normal number.
constexpr uint64_t first_normal_rung(const Format& f) { return uint64_t{1} << f.trailing_bits; }

enum class CodeKind { number, infinity, nan };

struct Code {
  CodeKind kind;
  bool negative;
  Rung magnitude;  // of a number
};

constexpr Code read_code(const Format& f, uint64_t bits) {
  const uint64_t count = magnitude_count(f);
  const bool negative = bits / count % 2 == 1;
  const uint64_t magnitude = bits % count;
  if (magnitude <= top_rung(f)) return {CodeKind::number, negative, rung(f, magnitude)};
  const bool infinite = f.specials == Specials::ieee && magnitude == top_rung(f) + 1;
  return {infinite ? CodeKind::infinity : CodeKind::nan, negative, {}};
}

constexpr uint64_t sign_code(const Format& f, bool negative) {
  return negative ? magnitude_count(f) : 0;
}

// Canonical quiet NaN: the first trailing bit in IEEE formats, all ones in `fn`. A format without
// NaN has the largest finite number in its place.
constexpr uint64_t nan_code(const Format& f) {
  switch (f.specials) {
    case Specials::ieee: {
      const uint64_t infinity = top_rung(f) + 1;
      return infinity + (uint64_t{1} << f.trailing_bits) / 2;
    }
    case Specials::fn: return top_rung(f) + 1;
    case Specials::finite: return top_rung(f);
  }
  return 0;
}

// What lies beyond the largest finite number where a rounding leaves the finite numbers.
constexpr uint64_t beyond_code(const Format& f, bool negative) {
  switch (f.specials) {
    case Specials::ieee: return sign_code(f, negative) + top_rung(f) + 1;
    case Specials::fn: return nan_code(f);
    case Specials::finite: return sign_code(f, negative) + top_rung(f);
  }
  return 0;
}

}  // namespace ulpscope
