// e^x and 2^x, cut to the bits of the word and sticky: exact for round_pack in every mode.
//
//   exp_exact(1) = 0x1.5bf0a8b145769535... x 2 = e
//
// Method. x = n ln 2 + r (2^x: n and a fraction f, r = f ln 2) with 0 <= r <= ln 2, then
// e^r - 1 = g by Taylor's series for t = r / 2^s and s times (1 + g)^2 - 1 = 2g + g^2. Working on
// e^r - 1, not e^r, keeps every number below 1. The result is 2^n (1 + g).
// Errors in units (2^-64N for N limbs) stand beside the steps; docs/numerics/functions.md adds
// them up. The value is irrational except e^0 and 2^n.
//
// Tested by tests/arith/functions_test.cpp and, against MPFR, tests/oracles.
#pragma once

#include "ulpscope/arith/fixed_constants.hpp"
#include "ulpscope/arith/truncation.hpp"

namespace ulpscope {

namespace detail {

// From |x| = 2^20 on a power is far outside every format, and 2^(+-2^20) stands for it.
inline constexpr int far_exponent = 20;

// Halvings of the argument, and terms of the series that are then taken. About as many of one as of
// the other is best.
ULPSCOPE_HD constexpr int exp_squarings(int limbs) { return 4 + 2 * limbs; }
ULPSCOPE_HD constexpr int exp_terms(int limbs) {
  // t^k / k! < 2^-bits, as t < 2^-s: the first term below a unit is the first one left out.
  int k = 0;
  for (int bits = 0; bits < 64 * limbs;) {
    ++k;
    bits += exp_squarings(limbs) + bit_width(static_cast<uint32_t>(k)) - 1;
  }
  return k - 1;
}

// The error of expm1_fraction: 0 <= e^r - 1 - g < 2^(s+4) units for the r that it is given.
ULPSCOPE_HD constexpr uint64_t exp_error(int limbs) {
  return uint64_t{1} << (exp_squarings(limbs) + 4);
}

// e^r - 1 for 0 <= r <= ln 2.
template <int N>
[[gnu::noinline]] ULPSCOPE_HD constexpr Fixed<N> expm1_fraction(const Fixed<N>& r) {
  constexpr int squarings = exp_squarings(N);
  constexpr int terms = exp_terms(N);
  constexpr auto inverse = inverse_factorials<N, terms + 1>();
  const Fixed<N> t = r >> squarings;  // t < 2^-8: low by 1
  Fixed<N> q = inverse.entries[terms];
  for (int k = terms - 1; k >= 2; --k)
    q = inverse.entries[k] + q * t;                          // 1/2! + t/3! + ..: low by 4
  Fixed<N> g = t + t * (t * q);                              // low by 4 in all
  for (int i = 0; i < squarings; ++i) g = (g << 1) + g * g;  // low by 2 (1 + g) d + 1
  return g;
}

// |x| = n ln 2 + r, 0 <= r < ln 2, r off by at most n + 1 units.
template <int N>
struct Reduced {
  int n;
  Fixed<N> r;
};
template <int N>
ULPSCOPE_HD constexpr Reduced<N> reduced_by_ln2(const Fixed<N + 1>& x) {
  constexpr auto ln2_units = ln2<N>();
  // x log2 e with 40 bits of x's fraction and 63 of log2 e: low by less than 2^-38, so that n is
  // right or 1 too small, r < ln 2 (1 + 2^-38) < 1, and arithmetic modulo 1 finds it.
  constexpr uint64_t log2e = (uint64_t{1} << 63) + (log2e_minus_one<1>().limbs[0] >> 1);
  const uint64_t leading = whole(x) << 40 | x.limbs[N - 1] >> 24;
  auto n = static_cast<uint64_t>((uint128{leading} * log2e) >> (40 + 63));
  Fixed<N> r = fraction(x) - fraction(times(ln2_units, n));
  if (!(r < ln2_units)) {
    r = r - ln2_units;
    ++n;
  }
  return {static_cast<int>(n), r};
}

// e^x, or e^-x, from x = n ln 2 + r: an attempt at 2^n e^r or at 2^(-n-1) e^(ln 2 - r).
template <class Word, int N>
ULPSCOPE_HD constexpr Attempt<Word> exp_attempt(const Reduced<N>& x, bool negative) {
  constexpr auto ln2_units = ln2<N>();
  const Fixed<N> g = expm1_fraction(negative ? ln2_units - x.r : x.r);
  const int n = negative ? -x.n - 1 : x.n;
  // An error of r grows by e^r <= 2.
  const uint64_t error = exp_error(N) + 2 * (static_cast<uint64_t>(x.n) + 5);
  return cut_to_word<Word>(joined(1, g), error, n - 64 * N);
}

struct Exponential {
  template <int N, class Word>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt(const Exact<Word>& x) {
    return exp_attempt<Word>(reduced_by_ln2<N>(magnitude_of<N>(x)), x.negative);
  }
};

struct Exponential2 {
  template <int N, class Word>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt(const Exact<Word>& x) {
    constexpr auto ln2_units = ln2<N>();
    const Fixed<N + 1> y = magnitude_of<N>(x);
    const Reduced<N> reduced{static_cast<int>(whole(y)), fraction(y) * ln2_units};
    return exp_attempt<Word>(reduced, x.negative);
  }
};

// What both powers share: the operands that need no computing.
template <class Function, class Word>
ULPSCOPE_HD constexpr Exact<Word> power_value(const Exact<Word>& x) {
  if (x.kind == Kind::nan) return x;
  if (x.kind == Kind::infinity) return x.negative ? exact_zero<Word>(false, x.flags) : x;
  if (x.kind == Kind::zero) return {.significand = 1, .kind = Kind::finite, .flags = x.flags};
  const int exponent = exponent_of(x);
  if (exponent >= far_exponent) {
    return {.significand = 1,
            .exponent = x.negative ? -(1 << far_exponent) : 1 << far_exponent,
            .kind = Kind::finite,
            .sticky = true,
            .flags = x.flags};
  }
  // |e^x - 1| < 2 |x|, and below 1 even less than |x|.
  if (exponent < -kept_bits<Word>) {
    Exact<Word> y = beside_one<Word>(x.negative ? Side::below : Side::above);
    y.flags = x.flags;
    return y;
  }
  return proved_value<Function>(x);
}

}  // namespace detail

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exp_exact(const Exact<Word>& x) {
  return detail::power_value<detail::Exponential>(x);
}

// 2^x; exact for an integer x.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exp2_exact(const Exact<Word>& x) {
  if (x.kind == Kind::finite && exponent_of(x) >= 0 && exponent_of(x) < detail::far_exponent) {
    const auto y = detail::magnitude_of<detail::first_limbs<Word>>(x);
    if (fraction(y) == Fixed<detail::first_limbs<Word>>{}) {
      const auto n = static_cast<int>(whole(y));
      return {.significand = 1,
              .exponent = x.negative ? -n : n,
              .kind = Kind::finite,
              .flags = x.flags};
    }
  }
  return detail::power_value<detail::Exponential2>(x);
}

}  // namespace ulpscope
