// A floating-point format is a row: numbers and switches, every other fact derived.
//
// bfloat16 is `{.exponent_bits = 8, .trailing_bits = 7, .bias = 127}`; OCP's E4M3 is the row
// `{4, 3, 7, Infinity::absent, Nan::highest}`. The code of a value is sign, biased exponent,
// trailing significand, from the highest bit down. An exponent field of zero holds zero and the
// subnormals; which codes are no numbers is for the switches to say.
//
//   largest_finite_bits(e4m3fn) == 0x7E   (448 = 1.75 x 2^8)
//   smallest_positive_exponent(bf16) == -133
//
// Codes are uint64_t, or uint128 for the few formats that need more than 64 bits: functions that
// take a code accept any unsigned integer, functions that make one have the type as parameter.
//
// Limits: exponent_bits 1..16, trailing_bits 0..63, 80 bits in all.
// Sources of the layouts: IEEE 754-2019 section 3; OCP OFP8 1.0 for e4m3fn; OCP MX 1.0 for FP6,
// FP4 and E8M0; AMD's CDNA 3 instruction set and the README of ml_dtypes for `fnuz`; IEEE P3109
// draft 3.2 for infinities next to the highest code. Tested by tests/format/format_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

namespace ulpscope {

enum class Infinity : uint8_t { present, absent };

// Which codes are NaN. Infinity, where present, has the codes just below the highest NaN: with
// `ieee` the exponent field of all ones and a trailing field of 0, else the highest magnitude left.
enum class Nan : uint8_t {
  ieee,        // the highest exponent field is no number: infinity, and NaN for the rest
  highest,     // the highest magnitude, all ones (OFP8's E4M3)
  minus_zero,  // the code that would be -0 (fnuz)
  none,        // every code is a number or an infinity
};

enum class Zero : uint8_t {
  both,      // +0 and -0
  positive,  // one zero; the code of -0, if it is no NaN, reads as +0 and is never written
  none,      // no zero: the exponent field 0 is one more binade of normal numbers (e8m0fnu)
};

enum class Subnormals : uint8_t {
  present,
  absent,  // an exponent field of 0 is zero, whatever follows it
};

enum class Sign : uint8_t { present, absent };

struct Format {
  int exponent_bits;
  int trailing_bits;
  int bias;
  Infinity infinity = Infinity::present;
  Nan nan = Nan::ieee;
  Zero zero = Zero::both;
  Subnormals subnormals = Subnormals::present;
  Sign sign = Sign::present;

  friend constexpr bool operator==(const Format&, const Format&) = default;
};

// The format eXmY with IEEE's bias and specials: ieee_like(8, 7) is bfloat16.
ULPSCOPE_HD constexpr Format ieee_like(int exponent_bits, int trailing_bits) {
  return {exponent_bits, trailing_bits, (1 << (exponent_bits - 1)) - 1};
}

// The type that codes are computed in: uint128 stays, everything shorter becomes uint64_t.
namespace detail {
template <class Bits>
struct CodeOf {
  using type = uint64_t;
};
template <>
struct CodeOf<uint128> {
  using type = uint128;
};
}  // namespace detail
template <class Bits>
using code_of_bits = typename detail::CodeOf<Bits>::type;

// Bits of the code.
ULPSCOPE_HD constexpr int width(const Format& f) {
  return (f.sign == Sign::present ? 1 : 0) + f.exponent_bits + f.trailing_bits;
}

// Significant bits of a normal number, the hidden one included.
ULPSCOPE_HD constexpr int precision(const Format& f) { return f.trailing_bits + 1; }

// The sign bit at its place; 0 in a format without signs.
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code sign_mask(const Format& f) {
  return f.sign == Sign::present ? Code{1} << (f.exponent_bits + f.trailing_bits) : Code{0};
}
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code trailing_mask(const Format& f) {
  return low_mask<Code>(f.trailing_bits);
}
// The exponent field at its place, all ones.
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code exponent_mask(const Format& f) {
  return low_mask<Code>(f.exponent_bits) << f.trailing_bits;
}
// Everything but the sign: also the highest magnitude code.
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code magnitude_mask(const Format& f) {
  return low_mask<Code>(f.exponent_bits + f.trailing_bits);
}

// Exponent of the smallest binade of normal numbers: 1.0 x 2^emin.
ULPSCOPE_HD constexpr int emin(const Format& f) { return (f.zero == Zero::none ? 0 : 1) - f.bias; }

// log2 of the smallest positive number: of a subnormal, or where there are none of 1.0 x 2^emin.
// It is the ulp of everything below the normal numbers.
ULPSCOPE_HD constexpr int smallest_positive_exponent(const Format& f) {
  return emin(f) - (f.subnormals == Subnormals::present ? f.trailing_bits : 0);
}
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code smallest_positive_bits(const Format& f) {
  if (f.zero == Zero::none) return Code{0};
  return Code{1} << (f.subnormals == Subnormals::present ? 0 : f.trailing_bits);
}

ULPSCOPE_HD constexpr bool has_infinity(const Format& f) { return f.infinity == Infinity::present; }
// An IEEE-like format without trailing bits (e5m0) has no code to spare beside its infinity.
ULPSCOPE_HD constexpr bool has_nan(const Format& f) {
  return f.nan != Nan::none && !(f.nan == Nan::ieee && has_infinity(f) && f.trailing_bits == 0);
}
ULPSCOPE_HD constexpr bool has_negative_zero(const Format& f) { return f.zero == Zero::both; }

template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code largest_finite_bits(const Format& f) {
  if (f.nan == Nan::ieee) return exponent_mask<Code>(f) - 1;
  const int reserved = (f.nan == Nan::highest ? 1 : 0) + (has_infinity(f) ? 1 : 0);
  return magnitude_mask<Code>(f) - static_cast<Code>(reserved);
}

template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code infinity_bits(const Format& f) {
  return largest_finite_bits<Code>(f) + 1;
}

// The quiet NaN with a clear sign that every invalid operation returns: the top trailing bit in
// IEEE formats, and elsewhere the one code there is. Without NaN it is what stands for it: the
// infinity of e5m0, or the largest finite number.
template <class Code = uint64_t>
ULPSCOPE_HD constexpr Code nan_bits(const Format& f) {
  switch (f.nan) {
    case Nan::ieee:
      return exponent_mask<Code>(f) | (f.trailing_bits > 0 ? Code{1} << (f.trailing_bits - 1) : 0);
    case Nan::highest: return magnitude_mask<Code>(f);
    case Nan::minus_zero: return sign_mask<Code>(f);
    case Nan::none: return largest_finite_bits<Code>(f);
  }
  return 0;
}

template <class Bits>
ULPSCOPE_HD constexpr bool is_negative(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  return (static_cast<Code>(bits) & sign_mask<Code>(f)) != 0;
}
template <class Bits>
ULPSCOPE_HD constexpr bool is_nan(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  const Code magnitude = static_cast<Code>(bits) & magnitude_mask<Code>(f);
  switch (f.nan) {
    case Nan::ieee: return magnitude > exponent_mask<Code>(f) - (has_infinity(f) ? 0 : 1);
    case Nan::highest: return magnitude == magnitude_mask<Code>(f);
    case Nan::minus_zero: return magnitude == 0 && is_negative(f, bits);
    case Nan::none: return false;
  }
  return false;
}
// Only the NaNs of `ieee` formats come in two kinds: signalling ones have a clear top trailing bit.
template <class Bits>
ULPSCOPE_HD constexpr bool is_signalling(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  return f.nan == Nan::ieee && f.trailing_bits > 0 && is_nan(f, bits) &&
         (static_cast<Code>(bits) >> (f.trailing_bits - 1) & 1) == 0;
}
template <class Bits>
ULPSCOPE_HD constexpr bool is_infinity(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  return has_infinity(f) &&
         (static_cast<Code>(bits) & magnitude_mask<Code>(f)) == infinity_bits<Code>(f);
}
template <class Bits>
ULPSCOPE_HD constexpr bool is_finite(const Format& f, Bits bits) {
  return !is_nan(f, bits) && !is_infinity(f, bits);
}
template <class Bits>
ULPSCOPE_HD constexpr bool is_zero(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  const Code field =
      f.subnormals == Subnormals::present ? magnitude_mask<Code>(f) : exponent_mask<Code>(f);
  return f.zero != Zero::none && (static_cast<Code>(bits) & field) == 0 && !is_nan(f, bits);
}
template <class Bits>
ULPSCOPE_HD constexpr bool is_subnormal(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  const auto code = static_cast<Code>(bits);
  return f.subnormals == Subnormals::present && (code & exponent_mask<Code>(f)) == 0 &&
         (code & trailing_mask<Code>(f)) != 0;
}
// A finite number of full precision: no zero and no subnormal.
template <class Bits>
ULPSCOPE_HD constexpr bool is_normal(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  const Code smallest = f.zero == Zero::none ? Code{0} : Code{1} << f.trailing_bits;
  const Code magnitude = static_cast<Code>(bits) & magnitude_mask<Code>(f);
  const Code largest = largest_finite_bits<Code>(f);
  // Below `smallest` the difference wraps; few formats have no normal numbers at all.
  return largest >= smallest && magnitude - smallest <= largest - smallest;
}

// The code of a magnitude with a sign; zero takes none in a format that has no -0.
template <class Code>
ULPSCOPE_HD constexpr Code signed_bits(const Format& f, bool negative, Code magnitude) {
  const bool takes_sign = negative && (magnitude != 0 || f.zero != Zero::positive);
  return takes_sign ? sign_mask<Code>(f) | magnitude : magnitude;
}
// The code with its sign turned; what has no sign (fnuz zero and NaN) stays as it is.
template <class Code>
ULPSCOPE_HD constexpr Code negated_bits(const Format& f, Code bits) {
  const bool has_sign = f.zero != Zero::positive || (bits & magnitude_mask<Code>(f)) != 0;
  return has_sign ? bits ^ sign_mask<Code>(f) : bits;
}

// Whether the numbers and switches make a format: something positive and finite must be left, a
// code may not have two meanings, and only zeros can go without a sign of their own.
ULPSCOPE_HD constexpr bool is_valid(const Format& f) {
  const bool sizes = f.exponent_bits >= 1 && f.exponent_bits <= 16 && f.trailing_bits >= 0 &&
                     f.trailing_bits <= 63 && f.bias > -(1 << 16) && f.bias < (1 << 16);
  if (!sizes) return false;
  const bool signless_zero = f.zero != Zero::both || f.sign == Sign::present;
  const bool free_code =
      f.nan != Nan::minus_zero || (f.sign == Sign::present && f.zero == Zero::positive);
  const bool binade = f.zero != Zero::none || f.subnormals == Subnormals::absent;
  // The highest code less those set aside, as a signed number: e1m0 with both set aside has -1.
  const auto top = static_cast<int128>(largest_finite_bits<uint128>(f));
  return signless_zero && free_code && binade && top >= 0 &&
         top >= static_cast<int128>(smallest_positive_bits<uint128>(f));
}

}  // namespace ulpscope
