// Soft<F, R>: a number of format F whose every operation rounds once, by R. The type is a veneer:
// it holds the code and hands F and R to the same functions that run-time formats go through.
//
//   using B = Soft<bf16>;
//   const auto sum = add_to<B>(B(1.0), B(1.0));
//   sum.value == B(2.0); has(sum.flags, Flag::carry_out);      // significand overflow
//
// Operators return the value; the `_to` functions return value, residue and flags, and take
// operands of any formats, rounding the exact result once into the destination (IEEE 754-2019's
// formatOf operations): fma_to<Soft<bf16>>(a, b, c) with binary32 a, b, c rounds to bf16 once.
//
// Conversions are explicit only: a hidden widening hides a rounding. A double argument is
// rounded to F from its exact value, once.
//
// Limits: operands of `_to` share the word of the widest format involved.
// Tested by tests/arith/soft_test.cpp.
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <type_traits>

namespace ulpscope {

namespace detail {
template <int width>
struct StorageFor {
  using type = uint64_t;
};
template <int width>
requires(width <= 8) struct StorageFor<width> {
  using type = uint8_t;
};
template <int width>
requires(width > 8 && width <= 16) struct StorageFor<width> {
  using type = uint16_t;
};
template <int width>
requires(width > 16 && width <= 32) struct StorageFor<width> {
  using type = uint32_t;
};
}  // namespace detail

template <Format F, Rounding R = nearest_even>
class Soft {
  static_assert(is_valid(F), "a format needs 1..15 exponent bits and 0..62 trailing bits");

 public:
  static constexpr Format format = F;
  static constexpr Rounding rounding = R;
  // The narrowest unsigned integer that holds a code.
  using Storage = typename detail::StorageFor<width(F)>::type;

  constexpr Soft() = default;
  ULPSCOPE_HD explicit constexpr Soft(double x) {
    constexpr Format binary64 = fp64;
    *this = from_bits(round_pack(F, decode<uint128>(binary64, bit_cast<uint64_t>(x)), R).bits);
  }
  // Its own decode: the host widens a subnormal float to 0 where it runs with DAZ.
  ULPSCOPE_HD explicit constexpr Soft(float x) {
    constexpr Format binary32 = fp32;
    *this = from_bits(round_pack(F, decode<uint64_t>(binary32, bit_cast<uint32_t>(x)), R).bits);
  }
  ULPSCOPE_HD explicit constexpr Soft(int x) : Soft(static_cast<double>(x)) {}

  // From another format or rounding: exact where F holds the value, one rounding by R otherwise.
  template <Format G, Rounding S>
  ULPSCOPE_HD explicit constexpr Soft(Soft<G, S> x)
      : Soft(from_bits(round_pack(F, decode<uint128>(G, x.bits()), R).bits)) {}

  // Bits above the code's width are ignored, so equal codes are always equal words.
  ULPSCOPE_HD static constexpr Soft from_bits(uint64_t bits) {
    Soft x;
    x.bits_ = static_cast<Storage>(bits & low_mask<uint64_t>(width(F)));
    return x;
  }
  ULPSCOPE_HD constexpr Storage bits() const { return bits_; }

  // The value as a double: exact for every format that binary64 holds (all of the catalogue).
  ULPSCOPE_HD explicit constexpr operator double() const {
    constexpr Format binary64 = fp64;
    return bit_cast<double>(round_pack(binary64, decode<uint128>(F, bits_), nearest_even).bits);
  }

  ULPSCOPE_HD friend constexpr Soft operator+(Soft x, Soft y) { return add_to<Soft>(x, y).value; }
  ULPSCOPE_HD friend constexpr Soft operator-(Soft x, Soft y) {
    return subtract_to<Soft>(x, y).value;
  }
  ULPSCOPE_HD friend constexpr Soft operator*(Soft x, Soft y) {
    return multiply_to<Soft>(x, y).value;
  }
  ULPSCOPE_HD friend constexpr Soft operator/(Soft x, Soft y) {
    return divide_to<Soft>(x, y).value;
  }
  ULPSCOPE_HD constexpr Soft operator-() const { return from_bits(bits_ ^ sign_mask(F)); }
  ULPSCOPE_HD constexpr Soft& operator+=(Soft y) { return *this = *this + y; }
  ULPSCOPE_HD constexpr Soft& operator-=(Soft y) { return *this = *this - y; }
  ULPSCOPE_HD constexpr Soft& operator*=(Soft y) { return *this = *this * y; }
  ULPSCOPE_HD constexpr Soft& operator/=(Soft y) { return *this = *this / y; }

  // IEEE comparison: NaN is unordered, the zeros are equal. For bits, compare bits().
  ULPSCOPE_HD friend constexpr bool operator==(Soft x, Soft y) {
    if (is_nan(F, x.bits_) || is_nan(F, y.bits_)) return false;
    return x.bits_ == y.bits_ || (is_zero(F, x.bits_) && is_zero(F, y.bits_));
  }
  ULPSCOPE_HD friend constexpr bool operator<(Soft x, Soft y) {
    if (is_nan(F, x.bits_) || is_nan(F, y.bits_)) return false;
    return x.order() < y.order();
  }
  ULPSCOPE_HD friend constexpr bool operator>(Soft x, Soft y) { return y < x; }
  ULPSCOPE_HD friend constexpr bool operator<=(Soft x, Soft y) { return x < y || x == y; }
  ULPSCOPE_HD friend constexpr bool operator>=(Soft x, Soft y) { return y <= x; }

 private:
  // Signed magnitude on a line: steps of one between neighbours, both zeros at 0.
  ULPSCOPE_HD constexpr int64_t order() const {
    const auto magnitude = static_cast<int64_t>(bits_ & (sign_mask(F) - 1));
    return is_negative(F, bits_) ? -magnitude : magnitude;
  }

  Storage bits_ = 0;
};

// A value with what its rounding threw away.
template <class Number>
struct Result {
  Number value;
  int64_t residue;  // rounded minus exact, in 2^-32 ulp: round_pack.hpp
  Flag flags;
};

namespace detail {

// Device code cannot take the address of a static member, so rows are copied to locals first.
template <class Word, class X>
ULPSCOPE_HD constexpr Exact<Word> exact(X x) {
  constexpr Format f = X::format;
  return decode<Word>(f, x.bits());
}

template <class To, class... X>
using common_word = std::conditional_t<((precision(To::format) <= widest_narrow_precision) && ... &&
                                        (precision(X::format) <= widest_narrow_precision)),
                                       uint64_t, uint128>;

template <class To, class Word>
ULPSCOPE_HD constexpr Result<To> rounded_to(const Exact<Word>& x) {
  constexpr Format f = To::format;
  const Rounded r = round_pack(f, x, To::rounding);
  return {To::from_bits(r.bits), r.residue, r.flags};
}

}  // namespace detail

template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> add_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(
      add(detail::exact<Word>(x), detail::exact<Word>(y), To::rounding.mode));
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> subtract_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(
      subtract(detail::exact<Word>(x), detail::exact<Word>(y), To::rounding.mode));
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> multiply_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(multiply(detail::exact<Word>(x), detail::exact<Word>(y)));
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> divide_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(divide(detail::exact<Word>(x), detail::exact<Word>(y)));
}
template <class To, class X, class Y, class Z>
ULPSCOPE_HD constexpr Result<To> fma_to(X x, Y y, Z z) {
  using Word = detail::common_word<To, X, Y, Z>;
  return detail::rounded_to<To>(fma(detail::exact<Word>(x), detail::exact<Word>(y),
                                    detail::exact<Word>(z), To::rounding.mode));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> sqrt_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(square_root(detail::exact<Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> convert_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(detail::exact<Word>(x));
}

template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> fma(Soft<F, R> x, Soft<F, R> y, Soft<F, R> z) {
  return fma_to<Soft<F, R>>(x, y, z).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> sqrt(Soft<F, R> x) {
  return sqrt_to<Soft<F, R>>(x).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> abs(Soft<F, R> x) {
  return Soft<F, R>::from_bits(x.bits() & (sign_mask(F) - 1));
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool isnan(Soft<F, R> x) {
  return is_nan(F, x.bits());
}

static_assert(Soft<bf16>(1.0).bits() == 0x3F80);
static_assert((Soft<fp32>(1.0) / Soft<fp32>(3.0)).bits() == 0x3EAAAAAB);
static_assert(sqrt(Soft<fp32>(2.0)).bits() == 0x3FB504F3);
static_assert(sqrt(Soft<fp64>(2.0)).bits() == 0x3FF6A09E667F3BCD);

}  // namespace ulpscope
