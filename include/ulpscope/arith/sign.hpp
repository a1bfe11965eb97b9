// Operations on the sign, and the class of a number (IEEE 754-2019, 5.5.1 and 5.7.2).
//
//   absolute_bits(fp16, 0xC000) is 0x4000; copy_sign(Soft<bf16>(3), Soft<bf16>(-0.0)) is -3
//   number_class(fp16, 0x8001) is NumberClass::negative_subnormal
//
// Sign operations work on codes: nothing is raised, also not by signalling NaNs, whose sign is
// changed like any other. What has no sign stays as it is: the zero of fnuz and P3109 formats,
// their NaN, and everything in unsigned formats, where a negation or a sign to copy is lost.
//
// Tested by tests/arith/sign_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

// Whether the code has a sign and it is minus.
template <class Bits>
ULPSCOPE_HD constexpr bool is_sign_minus(const Format& f, Bits bits) {
  const bool has_sign = !is_nan(f, bits) || f.nan != Nan::minus_zero;
  const bool signless_zero = is_zero(f, bits) && f.zero == Zero::positive;
  return has_sign && !signless_zero && is_negative(f, bits);
}

template <class Bits>
ULPSCOPE_HD constexpr code_of_bits<Bits> absolute_bits(const Format& f, Bits bits) {
  const auto code = static_cast<code_of_bits<Bits>>(bits);
  return is_negative(f, code) ? negated_bits(f, code) : code;
}

// x with the sign of y, a code of format g.
template <class X, class Y>
ULPSCOPE_HD constexpr code_of_bits<X> copy_sign_bits(const Format& f, X x, const Format& g, Y y) {
  const auto magnitude = absolute_bits(f, x);
  return is_sign_minus(g, y) ? negated_bits(f, magnitude) : magnitude;
}

enum class NumberClass : uint8_t {
  signalling_nan,
  quiet_nan,
  negative_infinity,
  negative_normal,
  negative_subnormal,
  negative_zero,
  positive_zero,
  positive_subnormal,
  positive_normal,
  positive_infinity,
};

template <class Bits>
ULPSCOPE_HD constexpr NumberClass number_class(const Format& f, Bits bits) {
  const bool minus = is_sign_minus(f, bits);
  if (is_signalling(f, bits)) return NumberClass::signalling_nan;
  if (is_nan(f, bits)) return NumberClass::quiet_nan;
  if (is_infinity(f, bits)) {
    return minus ? NumberClass::negative_infinity : NumberClass::positive_infinity;
  }
  if (is_zero(f, bits)) return minus ? NumberClass::negative_zero : NumberClass::positive_zero;
  if (is_subnormal(f, bits)) {
    return minus ? NumberClass::negative_subnormal : NumberClass::positive_subnormal;
  }
  return minus ? NumberClass::negative_normal : NumberClass::positive_normal;
}

template <Format F, Rounding R, Format G, Rounding S>
ULPSCOPE_HD constexpr Soft<F, R> copy_sign(Soft<F, R> x, Soft<G, S> y) {
  constexpr Format f = F;
  constexpr Format g = G;
  return Soft<F, R>::from_bits(copy_sign_bits(f, x.bits(), g, y.bits()));
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool is_sign_minus(Soft<F, R> x) {
  constexpr Format f = F;
  return is_sign_minus(f, x.bits());
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr NumberClass number_class(Soft<F, R> x) {
  constexpr Format f = F;
  return number_class(f, x.bits());
}

}  // namespace ulpscope
