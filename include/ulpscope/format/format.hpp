// A floating-point format is a row: four numbers and choices, every other fact derived.
//
// bfloat16 is `{.exponent_bits = 8, .trailing_bits = 7, .bias = 127}`; OCP's E4M3 is the row
// `{4, 3, 7, Specials::fn}`. The code of a value is sign, biased exponent, trailing significand,
// from the highest bit down. A field of zero holds zero and the subnormals; what the highest
// codes hold is the choice `Specials`.
//
//   largest_finite_bits(e4m3fn) == 0x7E   (448 = 1.75 x 2^8)
//   smallest_subnormal_exponent(bf16) == -133
//
// Limits: exponent_bits 1..15, trailing_bits 0..62, 64 bits in all.
// Sources of the layouts: IEEE 754-2019 section 3; OCP OFP8 1.0 for `fn`.
// Tested by tests/format/format_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

namespace ulpscope {

// What the codes with the highest exponent field mean.
enum class Specials {
  ieee,    // infinity (trailing 0) and NaN (the rest), as IEEE 754 has them
  fn,      // finite, one NaN: all ones; no infinity (OFP8's E4M3)
  finite,  // every code is a number
};

struct Format {
  int exponent_bits;
  int trailing_bits;
  int bias;
  Specials specials = Specials::ieee;

  friend constexpr bool operator==(const Format&, const Format&) = default;
};

// The format eXmY with IEEE's bias and specials: ieee_like(8, 7) is bfloat16.
ULPSCOPE_HD constexpr Format ieee_like(int exponent_bits, int trailing_bits) {
  return {exponent_bits, trailing_bits, (1 << (exponent_bits - 1)) - 1, Specials::ieee};
}

ULPSCOPE_HD constexpr bool is_valid(const Format& f) {
  return f.exponent_bits >= 1 && f.exponent_bits <= 15 && f.trailing_bits >= 0 &&
         f.trailing_bits <= 62 && 1 + f.exponent_bits + f.trailing_bits <= 64 &&
         f.bias > -(1 << 15) && f.bias < (1 << 15) &&
         // e1m0 with a code set aside would have no number but zero.
         !(f.specials != Specials::finite && f.trailing_bits == 0 && f.exponent_bits == 1);
}

// Bits of the code.
ULPSCOPE_HD constexpr int width(const Format& f) { return 1 + f.exponent_bits + f.trailing_bits; }

// Significant bits of a normal number, the hidden one included.
ULPSCOPE_HD constexpr int precision(const Format& f) { return f.trailing_bits + 1; }

ULPSCOPE_HD constexpr uint64_t sign_mask(const Format& f) { return uint64_t{1} << (width(f) - 1); }
ULPSCOPE_HD constexpr uint64_t trailing_mask(const Format& f) {
  return low_mask<uint64_t>(f.trailing_bits);
}
// The exponent field at its place, all ones.
ULPSCOPE_HD constexpr uint64_t exponent_mask(const Format& f) {
  return low_mask<uint64_t>(f.exponent_bits) << f.trailing_bits;
}

// Exponent of the smallest normal number: 1.0 x 2^emin.
ULPSCOPE_HD constexpr int emin(const Format& f) { return 1 - f.bias; }

// log2 of the smallest positive number, which is also the ulp of every subnormal.
ULPSCOPE_HD constexpr int smallest_subnormal_exponent(const Format& f) {
  return emin(f) - f.trailing_bits;
}

ULPSCOPE_HD constexpr bool has_infinity(const Format& f) { return f.specials == Specials::ieee; }
ULPSCOPE_HD constexpr bool has_nan(const Format& f) { return f.specials != Specials::finite; }

ULPSCOPE_HD constexpr uint64_t infinity_bits(const Format& f) { return exponent_mask(f); }

// The quiet NaN with a clear sign that every invalid operation returns: the top trailing bit
// in IEEE formats, all ones in `fn`. An IEEE-like format without trailing bits (e5m0) has no code
// to spare: infinity stands for NaN there.
ULPSCOPE_HD constexpr uint64_t nan_bits(const Format& f) {
  switch (f.specials) {
    case Specials::ieee:
      return exponent_mask(f) | (f.trailing_bits > 0 ? uint64_t{1} << (f.trailing_bits - 1) : 0);
    case Specials::fn: return sign_mask(f) - 1;
    case Specials::finite: return 0;
  }
  return 0;
}

ULPSCOPE_HD constexpr uint64_t largest_finite_bits(const Format& f) {
  switch (f.specials) {
    case Specials::ieee: return exponent_mask(f) - 1;
    case Specials::fn: return sign_mask(f) - 2;
    case Specials::finite: return sign_mask(f) - 1;
  }
  return 0;
}

ULPSCOPE_HD constexpr bool is_nan(const Format& f, uint64_t bits) {
  const uint64_t magnitude = bits & (sign_mask(f) - 1);
  switch (f.specials) {
    case Specials::ieee: return magnitude > exponent_mask(f);
    case Specials::fn: return magnitude == sign_mask(f) - 1;
    case Specials::finite: return false;
  }
  return false;
}
ULPSCOPE_HD constexpr bool is_infinity(const Format& f, uint64_t bits) {
  return has_infinity(f) && (bits & (sign_mask(f) - 1)) == exponent_mask(f);
}
ULPSCOPE_HD constexpr bool is_finite(const Format& f, uint64_t bits) {
  return !is_nan(f, bits) && !is_infinity(f, bits);
}
ULPSCOPE_HD constexpr bool is_zero(const Format& f, uint64_t bits) {
  return (bits & (sign_mask(f) - 1)) == 0;
}
ULPSCOPE_HD constexpr bool is_subnormal(const Format& f, uint64_t bits) {
  return (bits & exponent_mask(f)) == 0 && !is_zero(f, bits);
}
ULPSCOPE_HD constexpr bool is_negative(const Format& f, uint64_t bits) {
  return (bits & sign_mask(f)) != 0;
}

namespace detail {

// The largest finite number: its binade, and its significand moved to the top of the word, so
// that formats of any precision compare.
struct Largest {
  int exponent;
  uint64_t significand;
};
ULPSCOPE_HD constexpr Largest largest_finite(const Format& f) {
  const uint64_t bits = largest_finite_bits(f);
  const auto field = static_cast<int>(bits >> f.trailing_bits);
  // Only e1 formats have no normal number: field is 0 and there is no hidden bit.
  const uint64_t hidden = field == 0 ? 0 : uint64_t{1} << f.trailing_bits;
  const uint64_t significand = hidden | (bits & trailing_mask(f));
  const int unit = smallest_subnormal_exponent(f) + (field == 0 ? 0 : field - 1);
  return {unit + bit_width(significand) - 1, significand << (64 - bit_width(significand))};
}

}  // namespace detail

// Whether every value of `inner` is a value of `outer`: precision, and the ends of the range, the
// largest finite and the smallest subnormal number.
ULPSCOPE_HD constexpr bool is_subset(const Format& inner, const Format& outer) {
  const auto x = detail::largest_finite(inner);
  const auto y = detail::largest_finite(outer);
  const bool reaches =
      x.exponent < y.exponent || (x.exponent == y.exponent && x.significand <= y.significand);
  return precision(inner) <= precision(outer) && reaches &&
         smallest_subnormal_exponent(inner) >= smallest_subnormal_exponent(outer) &&
         (!has_infinity(inner) || has_infinity(outer)) && (!has_nan(inner) || has_nan(outer));
}

}  // namespace ulpscope
