// The next number up or down, the distance of two numbers in steps, and the ulp of a number.
//
//   next_up(bf16, 0x3F80) is 0x3F81; next_up(fp16, 0x0000) is 0x0001, and so is next_up(fp16,
//   0x8000) ulp(Soft<bf16>(1)) is 2^-7; ulp(Soft<bf16>(-0.0)) is 2^-133
//
// All numbers of a format stand on a ladder of integers: 0 is zero, 1 the smallest positive number,
// and so on to the largest and infinity; negative numbers mirrored. A format without zero has no
// rung 0. Next up and down are one rung (IEEE 754-2019, 5.3.1): from the smallest negative number
// up is -0 where there is one; from an infinity outward there is nothing and it stays. Above the
// largest number of a format without infinity stands what stands for infinity everywhere in the
// library, its NaN, or without one the number itself; below the lowest number of a format without
// signs likewise 0, or NaN without zero. Both are invalid, as no number of the format lies there. A
// NaN gives the canonical one, invalid if it was signalling.
//
// ulp(x) is the spacing of the format's numbers from |x| away from zero, 2^(e - trailing_bits) in
// the binade 2^e <= |x| < 2^(e+1): what the residue counts in. So at a power of two it is the wider
// of the two spacings around x. Subnormals and zero have that of the smallest binade, which without
// subnormals is the smallest number; the largest number has that of its binade although nothing
// follows. It is positive; of an infinity it is infinity, of a NaN NaN. (Goldberg 1991 and Java's
// Math.ulp agree; other definitions halve it at powers of two.) A format without subnormals lacks
// the ulps of its lowest binades: there ulp gives the smallest positive number, and
// quantum_exponent the spacing itself.
//
// Tested by tests/arith/neighbours_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

template <class Code>
struct Neighbour {
  Code bits;
  Flag flags;
};

// Where on the ladder a number or infinity stands; 0 for zeros.
template <class Bits>
ULPSCOPE_HD constexpr int128 steps_from_zero(const Format& f, Bits bits) {
  if (is_zero(f, bits)) return 0;
  const auto code = static_cast<uint128>(bits);
  const auto size = static_cast<int128>((code & magnitude_mask<uint128>(f)) -
                                        smallest_positive_bits<uint128>(f) + 1);
  return is_negative(f, code) ? -size : size;
}

// Steps from x up to y over the format's numbers: 1 if y is next_up(x); negative downward. No NaN.
template <class Bits>
ULPSCOPE_HD constexpr int128 steps_between(const Format& f, Bits x, Bits y) {
  const int128 a = steps_from_zero(f, x);
  const int128 b = steps_from_zero(f, y);
  const bool skips_zero = f.zero == Zero::none && (a < 0) != (b < 0);
  return b - a - (!skips_zero ? 0 : b > a ? 1 : -1);
}

namespace detail {

enum class Toward : uint8_t { up, down };

// No number lies below 0 in a format without signs, or below its smallest without zero.
template <class Code>
ULPSCOPE_HD constexpr Neighbour<Code> below_all(const Format& f) {
  return {f.zero != Zero::none ? Code{0} : nan_bits<Code>(f), Flag::invalid};
}

template <class Code>
ULPSCOPE_HD constexpr Neighbour<Code> neighbour(const Format& f, Code bits, Toward toward) {
  if (is_nan(f, bits)) {
    return {nan_bits<Code>(f), flag_if(is_signalling(f, bits), Flag::invalid)};
  }
  const int128 from = steps_from_zero(f, bits);
  const bool outward = toward == Toward::up ? from >= 0 : from <= 0;
  const bool negative = from < 0 || (from == 0 && toward == Toward::down);
  if (outward && is_infinity(f, bits)) return {bits, Flag::none};
  const Code top = largest_finite_bits<Code>(f);
  if (outward && (bits & magnitude_mask<Code>(f)) == top) {
    const auto outside = beyond<Code>(f, negative);
    return {outside.bits, flag_if(!outside.infinite, Flag::invalid)};
  }
  const int128 size = (from < 0 ? -from : from) + (outward ? 1 : -1);
  if (size == 0 && f.zero == Zero::none) {  // over to the smallest number of the other sign
    if (f.sign == Sign::absent) return below_all<Code>(f);
    return {signed_bits(f, !negative, Code{0}), Flag::none};
  }
  if (negative && f.sign == Sign::absent) return below_all<Code>(f);
  if (size == 0) return {signed_bits(f, negative, Code{0}), Flag::none};
  return {signed_bits(f, negative, static_cast<Code>(size - 1) + smallest_positive_bits<Code>(f)),
          Flag::none};
}

}  // namespace detail

template <class Bits>
ULPSCOPE_HD constexpr auto next_up(const Format& f, Bits bits) {
  return detail::neighbour(f, static_cast<code_of_bits<Bits>>(bits), detail::Toward::up);
}
template <class Bits>
ULPSCOPE_HD constexpr auto next_down(const Format& f, Bits bits) {
  return detail::neighbour(f, static_cast<code_of_bits<Bits>>(bits), detail::Toward::down);
}

// log2 of the ulp of a finite number.
template <class Bits>
ULPSCOPE_HD constexpr int quantum_exponent(const Format& f, Bits bits) {
  const auto x = decode<uint64_t>(f, bits);
  const bool tiny = x.kind == Kind::zero || exponent_of(x) < emin(f);
  return tiny ? smallest_positive_exponent(f) : exponent_of(x) - f.trailing_bits;
}

// The code of ulp(x).
template <class Bits>
ULPSCOPE_HD constexpr auto ulp(const Format& f, Bits bits) {
  using Code = code_of_bits<Bits>;
  if (is_nan(f, bits)) return nan_bits<Code>(f);
  if (is_infinity(f, bits)) return infinity_bits<Code>(f);
  const Exact<uint64_t> unit{
      .significand = 1, .exponent = quantum_exponent(f, bits), .kind = Kind::finite};
  return round_pack<Code>(f, unit, away_from_zero).bits;
}

template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> next_up(Soft<F, R> x) {
  constexpr Format f = F;
  return Soft<F, R>::from_bits(next_up(f, x.bits()).bits);
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> next_down(Soft<F, R> x) {
  constexpr Format f = F;
  return Soft<F, R>::from_bits(next_down(f, x.bits()).bits);
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> ulp(Soft<F, R> x) {
  constexpr Format f = F;
  return Soft<F, R>::from_bits(ulp(f, x.bits()));
}

static_assert(next_up(Format{8, 7, 127}, uint64_t{0x3F80}).bits == 0x3F81);
static_assert(ulp(Format{8, 7, 127}, uint64_t{0x3F80}) == 0x3C00);

}  // namespace ulpscope
