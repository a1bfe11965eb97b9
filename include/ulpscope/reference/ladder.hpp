// What the codes of a format mean, decoded a second time: the reference shares nothing with the
// core but the row of numbers and switches, so that one cannot repeat the other's mistake.
//
// The magnitudes of a format are the rungs of a ladder. Rung k is the value of the code k with a
// clear sign, read as if no code were set aside for infinity or NaN; values grow with k, and the
// step from rung k to the next is the ulp there. To round is to find the two rungs around a
// value by comparing and to pick one; overflow is to pick a rung above top_rung.
//
//   bf16: rung 0x3F80 = 128 x 2^-7 = 1, rung 0x3F81 = 129 x 2^-7; top_rung = 0x7F7F
//
// Three kinds of ladder differ at the foot. Most begin with zero and the subnormals; a ladder
// without subnormals goes from zero to the smallest normal number in one step (the codes between
// all read as zero); one without zero begins with a normal number, as e8m0fnu does with 2^-127.
//
// Codes are uint64_t, or uint128 from 64 bits on, where the count of the codes needs one bit more.
// Sources: IEEE 754-2019 section 3.4, OCP OFP8 1.0, OCP MX 1.0, IEEE P3109 draft 3.2. Tested by
// tests/reference/ladder_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

namespace ulpscope {

// significand x 2^exponent. The next rung up is (significand + 1) x 2^exponent.
struct Rung {
  uint64_t significand;
  int exponent;
};

// The exponent of the smallest normal number, 1.0 x 2^lowest_binade.
constexpr int lowest_binade(const Format& f) { return f.zero == Zero::none ? -f.bias : 1 - f.bias; }

template <class Bits>
constexpr Rung rung(const Format& f, Bits code) {
  const auto k = static_cast<code_of_bits<Bits>>(code);
  const uint64_t hidden = uint64_t{1} << f.trailing_bits;
  const auto field = static_cast<int>(k >> f.trailing_bits);
  const auto trailing = static_cast<uint64_t>(k) & (hidden - 1);
  const int lowest = lowest_binade(f) - f.trailing_bits;
  if (f.zero == Zero::none) return {hidden + trailing, lowest + field};
  if (field > 0) return {hidden + trailing, lowest + field - 1};
  // A field of zero means the exponent of field one, without the hidden bit.
  if (f.subnormals == Subnormals::absent) return {0, lowest_binade(f)};
  return {trailing, lowest};
}

// How many codes have a clear sign.
template <class Bits = uint64_t>
constexpr Bits magnitude_count(const Format& f) {
  return Bits{1} << (f.exponent_bits + f.trailing_bits);
}

// The code of the largest finite number: all codes, less what the specials take at the top.
template <class Bits = uint64_t>
constexpr Bits top_rung(const Format& f) {
  Bits taken = 0;
  switch (f.nan) {
    case Nan::ieee: taken = Bits{1} << f.trailing_bits; break;
    case Nan::highest: taken = f.infinity == Infinity::present ? 2 : 1; break;
    case Nan::minus_zero:
    case Nan::none: taken = f.infinity == Infinity::present ? 1 : 0; break;
  }
  return magnitude_count<Bits>(f) - 1 - taken;
}

// The smallest code that is a normal number.
template <class Bits = uint64_t>
constexpr Bits first_normal_rung(const Format& f) {
  return f.zero == Zero::none ? Bits{0} : Bits{1} << f.trailing_bits;
}

// The rung above rung k; over the codes that are no rungs where there are no subnormals.
template <class Bits>
constexpr Bits next_rung(const Format& f, Bits k) {
  const bool leaps = k == 0 && f.subnormals == Subnormals::absent;
  return leaps && f.zero != Zero::none ? first_normal_rung<Bits>(f) : k + 1;
}

enum class CodeKind { number, infinity, nan };

struct Code {
  CodeKind kind;
  bool negative;
  Rung magnitude;     // of a number
  uint64_t trailing;  // of a NaN: what follows its exponent, if its format's NaNs carry something
};

// With Nan::ieee the highest exponent field is no number, and infinity is its first code.
template <class Bits>
constexpr Code read_code(const Format& f, Bits bits) {
  using Index = code_of_bits<Bits>;
  const auto count = magnitude_count<Index>(f);
  const bool negative = f.sign == Sign::present && (static_cast<Index>(bits) & count) != 0;
  const Index magnitude = static_cast<Index>(bits) & (count - 1);
  if (negative && magnitude == 0 && f.nan == Nan::minus_zero) return {CodeKind::nan, false, {}, 0};
  const auto top = top_rung<Index>(f);
  if (magnitude <= top) {
    const Rung value = rung(f, magnitude);
    const bool minus = negative && (value.significand != 0 || f.zero == Zero::both);
    return {CodeKind::number, minus, value, 0};
  }
  const auto above = static_cast<uint64_t>(magnitude - top - 1);
  const bool infinite = f.infinity == Infinity::present && above == 0;
  const uint64_t trailing = f.nan == Nan::ieee ? above : 0;
  return {infinite ? CodeKind::infinity : CodeKind::nan, negative, {}, trailing};
}

template <class Bits = uint64_t>
constexpr Bits sign_code(const Format& f, bool negative) {
  return negative && f.sign == Sign::present ? magnitude_count<Bits>(f) : Bits{0};
}

// The code of a rung with a sign; where there is no -0 zero has one code from either side.
template <class Bits>
constexpr Bits number_code(const Format& f, bool negative, Bits k) {
  const bool plain_zero = f.zero == Zero::positive && k == 0;
  return plain_zero ? Bits{0} : static_cast<Bits>(sign_code<Bits>(f, negative) + k);
}

// Whether some code is a NaN: IEEE's e5m0 has only one code above its numbers, an infinity.
constexpr bool spells_nan(const Format& f) {
  if (f.nan == Nan::ieee) return f.trailing_bits > 0 || f.infinity == Infinity::absent;
  return f.nan != Nan::none;
}

// The first trailing bit, which a quiet NaN has set; 0 where NaNs are of one kind.
constexpr uint64_t quiet_part(const Format& f) {
  return f.nan == Nan::ieee ? (uint64_t{1} << f.trailing_bits) / 2 : 0;
}

// Canonical quiet NaN: the first trailing bit in IEEE formats, all ones or a lone sign in others. A
// format without NaN has the largest finite number in its place, e5m0 its infinity.
template <class Bits = uint64_t>
constexpr Bits nan_code(const Format& f) {
  switch (f.nan) {
    case Nan::ieee: return top_rung<Bits>(f) + 1 + quiet_part(f);
    case Nan::highest: return magnitude_count<Bits>(f) - 1;
    case Nan::minus_zero: return magnitude_count<Bits>(f);
    case Nan::none: return top_rung<Bits>(f);
  }
  return 0;
}

// What stands for infinity: NaN where there is none, and the largest number without NaN.
template <class Bits = uint64_t>
constexpr Bits beyond_code(const Format& f, bool negative) {
  if (f.infinity == Infinity::present) return sign_code<Bits>(f, negative) + top_rung<Bits>(f) + 1;
  return spells_nan(f) ? nan_code<Bits>(f) : sign_code<Bits>(f, negative) + top_rung<Bits>(f);
}

}  // namespace ulpscope
