// Exact dot products and sums of any length: every term goes into one long fixed-point number, and
// the result is rounded once.
//
//   fp32: x = {1e30, 1, -1e30}, y = {1, 1, 1}: dot_to<Soft<bf16>>(x, y, 3) is 1
//
// The order of the terms does not matter, but for the choice among several NaNs. The rules of IEEE
// 754-2019 (9.4) for special values, made definite where the standard leaves a choice:
//   NaN       if a term is NaN: the first such term's. infinity x 0 is a NaN, and invalid
//   infinity  infinities of both signs, no NaN: invalid. A sum of finite terms never overflows on
//             the way, only in the one rounding at its end
//   zero      terms that are all zeros of one sign keep it; any other zero sum is -0 rounding
//             down, else +0 (what a chain of additions gives); without terms +0
//   carry_out the sum lies in a binade above every term (every product, for dot)
//
// Limits: up to 2^63 terms. A sum takes memory for the spread of its exponents: 88 bytes for
// products of binary32, 544 for binary64, 16 KiB for formats with 16 exponent bits.
// Tested by tests/arith/dot_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/wide_sum.hpp"

namespace ulpscope {

namespace detail {

// The power of two of the lowest bit of a format's numbers, and from there to above the largest.
ULPSCOPE_HD constexpr int lowest_bit(const Format& f) { return emin(f) - f.trailing_bits; }
ULPSCOPE_HD constexpr int spread(const Format& f) {
  return (1 << f.exponent_bits) + f.trailing_bits;
}
// For terms that spread over so many bits: 63 more for their number, one for the sign, and a limb
// because a term is added in whole limbs.
ULPSCOPE_HD constexpr int limbs_for(int bits) { return (bits + 64 + 63) / 64 + 1; }

}  // namespace detail

// Takes terms whose lowest bit is at least 2^lowest; `limbs` as limbs_for says.
template <int limbs>
class ExactSum {
 public:
  ULPSCOPE_HD explicit constexpr ExactSum(int lowest) : lowest_(lowest) {}

  // A term without sticky part.
  ULPSCOPE_HD constexpr void add(const Exact<uint128>& term) {
    flags_ |= term.flags;
    switch (term.kind) {
      case Kind::zero: (term.negative ? minus_zero_ : plus_zero_) = true; return;
      case Kind::infinity: (term.negative ? minus_infinity_ : plus_infinity_) = true; return;
      case Kind::nan:
        if (nan_.kind != Kind::nan) nan_ = term;
        return;
      case Kind::finite: add_number(term); return;
    }
  }

  // The sum, exact up to the sticky bit; `mode` decides only the sign of a zero.
  ULPSCOPE_HD constexpr Exact<uint128> value(Mode mode) const {
    if (nan_.kind == Kind::nan) {
      auto result = nan_;
      result.flags = flags_;
      return result;
    }
    if (plus_infinity_ && minus_infinity_) return exact_nan<uint128>(flags_ | Flag::invalid);
    if (plus_infinity_ || minus_infinity_) return exact_infinity<uint128>(minus_infinity_, flags_);
    const auto head = sum_.leading();
    if (head.magnitude == 0) return exact_zero<uint128>(zero_is_negative(mode), flags_);
    Exact<uint128> result{.significand = head.magnitude,
                          .exponent = head.exponent + lowest_,
                          .kind = Kind::finite,
                          .negative = head.negative,
                          .sticky = head.sticky,
                          .flags = flags_};
    result.flags |= flag_if(exponent_of(result) > largest_exponent_, Flag::carry_out);
    return result;
  }

 private:
  ULPSCOPE_HD constexpr void add_number(const Exact<uint128>& term) {
    const int exponent = exponent_of(term);
    if (!number_ || exponent > largest_exponent_) largest_exponent_ = exponent;
    number_ = true;
    const int position = term.exponent - lowest_;
    const auto high = static_cast<uint64_t>(term.significand >> 64);
    sum_.add(static_cast<uint64_t>(term.significand), position, term.negative);
    if (high != 0) sum_.add(high, position + 64, term.negative);
  }
  ULPSCOPE_HD constexpr bool zero_is_negative(Mode mode) const {
    if (mode == Mode::down) return minus_zero_ || number_;
    return minus_zero_ && !plus_zero_ && !number_;
  }

  FixedSum<0, limbs> sum_;
  int lowest_;
  int largest_exponent_ = 0;  // of the terms, once there is a number
  bool number_ = false;       // which kinds of terms have been seen
  bool plus_zero_ = false;
  bool minus_zero_ = false;
  bool plus_infinity_ = false;
  bool minus_infinity_ = false;
  Exact<uint128> nan_ = {};  // the first
  Flag flags_ = Flag::none;
};

namespace detail {

// 64 bits by 64 are 128: every product of two decoded numbers fits.
template <int limbs, class X, class Y>
ULPSCOPE_HD constexpr Exact<uint128> dot_in(const Format& f, const X* x, const Format& g,
                                            const Y* y, uint64_t count, Rounding r) {
  ExactSum<limbs> sum(lowest_bit(f) + lowest_bit(g));
  for (uint64_t i = 0; i < count; ++i) {
    sum.add(multiply(operand<uint128>(f, x[i], r.policy.flush),
                     operand<uint128>(g, y[i], r.policy.flush)));
  }
  return sum.value(r.mode);
}
template <int limbs, class X>
ULPSCOPE_HD constexpr Exact<uint128> sum_in(const Format& f, const X* x, uint64_t count,
                                            Rounding r) {
  ExactSum<limbs> sum(lowest_bit(f));
  for (uint64_t i = 0; i < count; ++i) sum.add(operand<uint128>(f, x[i], r.policy.flush));
  return sum.value(r.mode);
}

// Products of formats of at most so many exponent bits, whatever their trailing bits.
template <int exponent_bits>
inline constexpr int product_limbs = limbs_for(2 * ((1 << exponent_bits) + 63));

}  // namespace detail

// x[0] y[0] + ... + x[count-1] y[count-1] for codes of f and g, formats known at run time. Of `r`
// only the mode (for the sign of zero) and the flush of operands matter; the rounding is the
// caller's.
template <class X, class Y>
ULPSCOPE_HD constexpr Exact<uint128> dot(const Format& f, const X* x, const Format& g, const Y* y,
                                         uint64_t count, Rounding r) {
  const int bits = f.exponent_bits > g.exponent_bits ? f.exponent_bits : g.exponent_bits;
  if (bits <= 8) return detail::dot_in<detail::product_limbs<8>>(f, x, g, y, count, r);
  if (bits <= 11) return detail::dot_in<detail::product_limbs<11>>(f, x, g, y, count, r);
  return detail::dot_in<detail::product_limbs<16>>(f, x, g, y, count, r);
}
template <class X>
ULPSCOPE_HD constexpr Exact<uint128> sum(const Format& f, const X* x, uint64_t count, Rounding r) {
  if (f.exponent_bits <= 8) return detail::sum_in<detail::product_limbs<8>>(f, x, count, r);
  if (f.exponent_bits <= 11) return detail::sum_in<detail::product_limbs<11>>(f, x, count, r);
  return detail::sum_in<detail::product_limbs<16>>(f, x, count, r);
}

template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> dot_to(const X* x, const Y* y, uint64_t count) {
  constexpr Format f = X::format;
  constexpr Format g = Y::format;
  constexpr int limbs = detail::limbs_for(detail::spread(f) + detail::spread(g));
  ExactSum<limbs> sum(detail::lowest_bit(f) + detail::lowest_bit(g));
  for (uint64_t i = 0; i < count; ++i) {
    sum.add(multiply(detail::exact<To, uint128>(x[i]), detail::exact<To, uint128>(y[i])));
  }
  return detail::rounded_to<To>(sum.value(To::rounding.mode));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> sum_to(const X* x, uint64_t count) {
  constexpr Format f = X::format;
  ExactSum<detail::limbs_for(detail::spread(f))> sum(detail::lowest_bit(f));
  for (uint64_t i = 0; i < count; ++i) sum.add(detail::exact<To, uint128>(x[i]));
  return detail::rounded_to<To>(sum.value(To::rounding.mode));
}

}  // namespace ulpscope
