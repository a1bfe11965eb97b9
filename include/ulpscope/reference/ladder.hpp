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
// Sources: IEEE 754-2019 section 3.4, OCP OFP8 1.0, IEEE P3109 draft 3.2. Tested by
// tests/reference/ladder_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

namespace ulpscope {

// significand x 2^exponent. The next rung up is (significand + 1) x 2^exponent.
struct Rung {
  uint64_t significand;
  int exponent;
};

// Without zero the ladder begins with 1 x 2^-bias; without subnormals only codes of whole binades
// count, so that rung 0 is followed by the smallest normal number.
constexpr Rung rung(const Format& f, uint64_t k) {
  const uint64_t hidden = uint64_t{1} << f.trailing_bits;
  const uint64_t field = k / hidden;
  const uint64_t trailing = k % hidden;
  const int lowest = 0 - f.bias - f.trailing_bits;
  if (field == 0 && f.zero != Zero::none) {
    // A field of zero means the exponent of field one, without the hidden bit.
    if (f.subnormals == Subnormals::absent) return {0, 1 - f.bias};
    return {trailing, lowest + 1};
  }
  return {hidden + trailing, lowest + static_cast<int>(field)};
}

// How many codes have a clear sign.
constexpr uint64_t magnitude_count(const Format& f) {
  return uint64_t{1} << (f.exponent_bits + f.trailing_bits);
}

// The code of the largest finite number: all codes, less what the specials take at the top.
constexpr uint64_t top_rung(const Format& f) {
  uint64_t taken = 0;
  switch (f.nan) {
    case Nan::ieee: return magnitude_count(f) - (uint64_t{1} << f.trailing_bits) - 1;
    case Nan::highest: taken = 1; break;
    case Nan::minus_zero:
    case Nan::none: break;
  }
  if (f.infinity == Infinity::present) ++taken;
  return magnitude_count(f) - 1 - taken;
}

// The smallest code that is a normal number.
constexpr uint64_t first_normal_rung(const Format& f) {
  return f.zero == Zero::none ? 0 : uint64_t{1} << f.trailing_bits;
}

enum class CodeKind { number, infinity, nan };

struct Code {
  CodeKind kind;
  bool negative;
  Rung magnitude;  // of a number
};

constexpr Code read_code(const Format& f, uint64_t bits) {
  const uint64_t count = magnitude_count(f);
  const bool negative = f.sign == Sign::present && bits / count % 2 == 1;
  const uint64_t magnitude = bits % count;
  if (negative && magnitude == 0 && f.nan == Nan::minus_zero) return {CodeKind::nan, false, {}};
  if (magnitude <= top_rung(f)) {
    const Rung value = rung(f, magnitude);
    const bool minus = negative && (value.significand != 0 || f.zero == Zero::both);
    return {CodeKind::number, minus, value};
  }
  const bool infinite = f.infinity == Infinity::present && magnitude == top_rung(f) + 1;
  return {infinite ? CodeKind::infinity : CodeKind::nan, negative, {}};
}

constexpr uint64_t sign_code(const Format& f, bool negative) {
  return negative && f.sign == Sign::present ? magnitude_count(f) : 0;
}

// The code of a rung with a sign; where there is no -0 zero has one code from either side.
constexpr uint64_t number_code(const Format& f, bool negative, uint64_t k) {
  const bool plain_zero = f.zero == Zero::positive && k == 0;
  return plain_zero ? 0 : sign_code(f, negative) + k;
}

// Whether some code is a NaN: IEEE's e5m0 has only one code above its numbers, an infinity.
constexpr bool spells_nan(const Format& f) {
  if (f.nan == Nan::ieee) return f.trailing_bits > 0 || f.infinity == Infinity::absent;
  return f.nan != Nan::none;
}

// Canonical quiet NaN: the first trailing bit in IEEE formats, all ones or a lone sign in others. A
// format without NaN has the largest finite number in its place, e5m0 its infinity.
constexpr uint64_t nan_code(const Format& f) {
  switch (f.nan) {
    case Nan::ieee: return top_rung(f) + 1 + (uint64_t{1} << f.trailing_bits) / 2;
    case Nan::highest: return magnitude_count(f) - 1;
    case Nan::minus_zero: return magnitude_count(f);
    case Nan::none: return top_rung(f);
  }
  return 0;
}

// What stands for infinity: NaN where there is none, and the largest number without NaN.
constexpr uint64_t beyond_code(const Format& f, bool negative) {
  if (f.infinity == Infinity::present) return sign_code(f, negative) + top_rung(f) + 1;
  return spells_nan(f) ? nan_code(f) : sign_code(f, negative) + top_rung(f);
}

}  // namespace ulpscope
