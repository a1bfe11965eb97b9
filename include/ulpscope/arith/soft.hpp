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
// Operands of `_to` share the word of the widest format involved.
// Tested by tests/arith/soft_test.cpp.
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/operand.hpp"

#include <type_traits>

namespace ulpscope {

namespace detail {
template <int width>
struct StorageFor {
  using type = uint128;
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
template <int width>
requires(width > 32 && width <= 64) struct StorageFor<width> {
  using type = uint64_t;
};
}  // namespace detail

template <Format F, Rounding R = nearest_even>
class Soft {
  static_assert(is_valid(F), "a format needs 1..16 exponent bits and 0..63 trailing bits");

 public:
  static constexpr Format format = F;
  static constexpr Rounding rounding = R;
  // The narrowest unsigned integer that holds a code.
  using Storage = typename detail::StorageFor<width(F)>::type;

  // The type that codes of F are computed in: uint64_t, or uint128 for long ones.
  using Code = code_for<F>;

  constexpr Soft() = default;
  ULPSCOPE_HD explicit constexpr Soft(double x) {
    constexpr Format binary64 = fp64;
    *this = rounded<word_for_precision<wider(precision(F), 53)>>(binary64, bit_cast<uint64_t>(x));
  }
  // Its own decode: the host widens a subnormal float to 0 where it runs with DAZ.
  ULPSCOPE_HD explicit constexpr Soft(float x) {
    constexpr Format binary32 = fp32;
    *this = rounded<word_for_precision<wider(precision(F), 24)>>(binary32, bit_cast<uint32_t>(x));
  }
  ULPSCOPE_HD explicit constexpr Soft(int x) : Soft(static_cast<double>(x)) {}

  // From another format or rounding: exact where F holds the value, one rounding by R otherwise.
  template <Format G, Rounding S>
  ULPSCOPE_HD explicit constexpr Soft(Soft<G, S> x)
      : Soft(rounded<word_for_precision<wider(precision(F), precision(G))>>(G, x.bits())) {}

  // Bits above the code's width are ignored, so equal codes are always equal words.
  ULPSCOPE_HD static constexpr Soft from_bits(Code bits) {
    Soft x;
    x.bits_ = static_cast<Storage>(bits & low_mask<Code>(width(F)));
    return x;
  }
  ULPSCOPE_HD constexpr Storage bits() const { return bits_; }

  // The value as a double: exact for every format that binary64 holds (all of the catalogue).
  ULPSCOPE_HD explicit constexpr operator double() const {
    constexpr Format binary64 = fp64;
    using Word = word_for_precision<wider(precision(F), 53)>;
    return bit_cast<double>(round_pack(binary64, decode<Word>(F, bits_), nearest_even).bits);
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
  // In a format without signs what the rounding makes of a negative value: zero or NaN.
  ULPSCOPE_HD constexpr Soft operator-() const {
    constexpr Format f = F;
    if constexpr (F.sign == Sign::absent) {
      return from_bits(round_pack<Code>(f, negated(decode<word_for<F>>(f, bits_)), R).bits);
    }
    return from_bits(negated_bits(f, static_cast<Code>(bits_)));
  }
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
  ULPSCOPE_HD static constexpr int wider(int p, int q) { return p > q ? p : q; }

  template <class Word, class Bits>
  ULPSCOPE_HD static constexpr Soft rounded(const Format& from, Bits bits) {
    constexpr Format to = F;
    return from_bits(round_pack<Code>(to, operand<Word>(from, bits, R.policy.flush), R).bits);
  }

  // Signed magnitude on a line: steps of one between neighbours, all zeros at 0.
  ULPSCOPE_HD constexpr auto order() const {
    using Line = std::conditional_t<(width(F) < 64), int64_t, int128>;
    if (is_zero(F, bits_)) return Line{0};
    // Where 0 is no zero it is the smallest number: one up.
    const auto magnitude =
        static_cast<Line>(bits_ & magnitude_mask<Code>(F)) + (F.zero == Zero::none ? 1 : 0);
    return static_cast<Line>(is_negative(F, bits_) ? -magnitude : magnitude);
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

// Device code cannot take the address of a static member, so rows are copied to locals first. The
// destination's policy says whether subnormal operands are read as zero.
template <class To, class Word, class X>
ULPSCOPE_HD constexpr Exact<Word> exact(X x) {
  constexpr Format f = X::format;
  return operand<Word>(f, x.bits(), To::rounding.policy.flush);
}

template <class... X>
constexpr int widest_precision() {
  int widest = 0;
  ((widest = precision(X::format) > widest ? precision(X::format) : widest), ...);
  return widest;
}
template <class... X>
using common_word = word_for_precision<widest_precision<X...>()>;

template <class To>
ULPSCOPE_HD constexpr Result<To> result_of(const BasicRounded<typename To::Code>& r) {
  return {To::from_bits(r.bits), r.residue, r.flags};
}

template <Mode mode>
struct Sum {
  template <class Word>
  ULPSCOPE_HD constexpr Exact<Word> operator()(const Exact<Word>& x, const Exact<Word>& y) const {
    return add(x, y, mode);
  }
};

// The exact result for normal operands; sums within one format have a shorter way.
template <class Word, class Operation, class... X>
ULPSCOPE_HD constexpr Exact<Word> exact_of_normals(Operation operation, X... x) {
  return operation([&] {
    constexpr Format f = X::format;
    return decode_normal<Word>(f, x.bits());
  }()...);
}
template <class Word, Mode mode, class X>
ULPSCOPE_HD constexpr Exact<Word> exact_of_normals(Sum<mode> /*operation*/, X x, X y) {
  constexpr Format f = X::format;
  using Code = typename X::Code;
  return add_normal<Word>(f, static_cast<Code>(x.bits()), static_cast<Code>(y.bits()), mode);
}
template <class X>
ULPSCOPE_HD constexpr bool is_normal_number(X x) {
  constexpr Format f = X::format;
  return is_normal(f, x.bits());
}

template <class To, class Word>
ULPSCOPE_HD constexpr Result<To> rounded_to(const Exact<Word>& x) {
  constexpr Format f = To::format;
  return result_of<To>(round_pack<typename To::Code>(f, x, To::rounding));
}

// Any operands, any result. A call of its own, so that it does not crowd what is common.
template <class To, class Operation, class... X>
[[gnu::noinline]] ULPSCOPE_HD constexpr Result<To> compute_any(Operation operation, X... x) {
  using Word = common_word<To, X...>;
  return rounded_to<To>(operation(exact<To, Word>(x)...));
}

// An operation of exact values on numbers: the common case without a jump that cannot be guessed
// (round_normal.hpp), all others by compute_any.
template <class To, class Operation, class... X>
ULPSCOPE_HD constexpr Result<To> compute(Operation operation, X... x) {
  using Word = common_word<To, X...>;
  using Code = typename To::Code;
  if ((is_normal_number(x) && ...)) {
    constexpr Format f = To::format;
    const auto value = exact_of_normals<Word>(operation, x...);
    if (rounds_to_normal<Code>(f, value)) [[likely]] {
      return result_of<To>(round_normal<Code>(f, value, ByMode{To::rounding.mode}));
    }
  }
  return compute_any<To>(operation, x...);
}

}  // namespace detail

template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> add_to(X x, Y y) {
  return detail::compute<To>(detail::Sum<To::rounding.mode>{}, x, y);
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> subtract_to(X x, Y y) {
  return detail::compute<To>(
      [](const auto& a, const auto& b) { return subtract(a, b, To::rounding.mode); }, x, y);
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> multiply_to(X x, Y y) {
  return detail::compute<To>([](const auto& a, const auto& b) { return multiply(a, b); }, x, y);
}
template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> divide_to(X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(divide(detail::exact<To, Word>(x), detail::exact<To, Word>(y)));
}
template <class To, class X, class Y, class Z>
ULPSCOPE_HD constexpr Result<To> fma_to(X x, Y y, Z z) {
  return detail::compute<To>(
      [](const auto& a, const auto& b, const auto& c) { return fma(a, b, c, To::rounding.mode); },
      x, y, z);
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> sqrt_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(square_root(detail::exact<To, Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> convert_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(detail::exact<To, Word>(x));
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
  return is_negative(F, x.bits()) ? -x : x;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool isnan(Soft<F, R> x) {
  return is_nan(F, x.bits());
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool isinf(Soft<F, R> x) {
  return is_infinity(F, x.bits());
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool isfinite(Soft<F, R> x) {
  return is_finite(F, x.bits());
}

static_assert(Soft<bf16>(1.0).bits() == 0x3F80);
static_assert((Soft<fp32>(1.0) / Soft<fp32>(3.0)).bits() == 0x3EAAAAAB);
static_assert(sqrt(Soft<fp32>(2.0)).bits() == 0x3FB504F3);
static_assert(sqrt(Soft<fp64>(2.0)).bits() == 0x3FF6A09E667F3BCD);

}  // namespace ulpscope
