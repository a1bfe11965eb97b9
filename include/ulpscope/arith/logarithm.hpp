// ln x and log2 x, cut to the bits of the word and sticky: exact for round_pack in every mode.
//
//   log_exact(2) = 0x1.62e42fefa39ef357... / 2 = ln 2;   log2_exact(8) = 3, not sticky
//
// Method. x = 2^k m with 1 <= m < 2. An approximation y of ln m, low by less than 2^-19, is found
// with integers of 64 bits; e^(ln 2 - y) = 1 + g then gives m (1 + g) / 2 = m e^-y = 1 + d, and
// ln m = y + ln(1 + d) by the series of the logarithm, d < 2^-19. Near m = 1 y is 0 and d = m - 1
// exactly, so that ln(1 + tiny) keeps its bits. For x < 1 the magnitude is |k| ln 2 - ln m.
// Errors in units (2^-64N for N limbs) stand beside the steps; docs/numerics/functions.md adds
// them up. The value is irrational except ln 1 and log2 2^k.
//
// Tested by tests/arith/functions_test.cpp and, against MPFR, tests/oracles.
#pragma once

#include "ulpscope/arith/exponential.hpp"

namespace ulpscope {

namespace detail {

inline constexpr int log_leading_bits = 20;

// The first bits of log2 of m / 2^63 in [1, 2), as a fraction of 64 bits: low by less than 2^-20
// and a little. One bit a turn by squaring: an error of 2^-63 doubles 20 times.
ULPSCOPE_HD constexpr uint64_t log2_leading(uint64_t m) {
  uint64_t bits = 0;
  for (int i = 0; i < log_leading_bits; ++i) {
    const uint128 square = uint128{m} * m;  // 126 bits below the point, in [1, 4)
    const auto carry = static_cast<uint64_t>(square >> 127);
    m = static_cast<uint64_t>(square >> (63 + carry));
    bits = bits << 1 | carry;
  }
  return bits << (64 - log_leading_bits);
}

// ln(1 + d) for 0 <= d < 2^-19, within 4 units.
template <int N>
ULPSCOPE_HD constexpr Fixed<N> log1p_fraction(const Fixed<N>& d) {
  // The first term left out, d^(terms + 1), is below a unit.
  constexpr int terms = 64 * N / (log_leading_bits - 1);
  constexpr auto inverse = inverses<N, terms + 1>();
  Fixed<N> q = inverse.entries[terms];
  for (int k = terms - 1; k >= 2; --k) q = inverse.entries[k] - q * d;
  return d - d * (d * q);
}

// ln m for m = 1 + u, with a bound of its error in units.
template <int N>
struct Bounded {
  Fixed<N> value;
  uint64_t error;
};
template <int N>
[[gnu::noinline]] ULPSCOPE_HD constexpr Bounded<N> log_of_one_plus(const Fixed<N>& u) {
  const uint64_t leading = log2_leading(uint64_t{1} << 63 | u.limbs[N - 1] >> 1);
  if (leading == 0) return {log1p_fraction(u), 4};
  constexpr auto ln2_units = ln2<N>();
  constexpr uint64_t ln2_leading = ln2_units.limbs[N - 1] >> 32;
  Fixed<N> y;
  // 2^-40 below, so that d > 0 is far above its own error and cannot wrap.
  y.limbs[N - 1] = (leading >> 32) * ln2_leading - (uint64_t{1} << 24);
  const Fixed<N> g = expm1_fraction(ln2_units - y);
  const Fixed<N> twice_d = u + g + u * g;  // (1 + u)(1 + g) - 2, modulo 1
  return {y + log1p_fraction(twice_d >> 1), exp_error(N) + 16};
}

// x = 2^k (1 + u).
template <int N>
struct Binade {
  int k;
  Fixed<N> u;
};
template <int N, class Word>
ULPSCOPE_HD constexpr Binade<N> binade_of(const Exact<Word>& x) {
  const int k = exponent_of(x);
  return {k, fraction(magnitude_of<N>(x, -k))};
}

// k c + y, the magnitude of it; y in [0, c] and below 1.
template <int N>
ULPSCOPE_HD constexpr Fixed<N + 1> sum_of_parts(int k, const Fixed<N + 1>& c, const Fixed<N>& y) {
  const auto count = static_cast<uint64_t>(k < 0 ? -k : k);
  const Fixed<N + 1> product = fraction(times(c, count));
  return k < 0 ? product - joined(0, y) : product + joined(0, y);
}

// From ln m, which operands that differ by a power of two share.
struct Logarithm {
  template <class Word, int N>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt_from(int k, const Bounded<N>& log_m) {
    const auto count = static_cast<uint64_t>(k < 0 ? -k : k);
    constexpr auto ln2_units = joined(0, ln2<N>());
    const auto sum = sum_of_parts(k, ln2_units, log_m.value);
    return cut_to_word<Word>(sum, log_m.error + 2 * count, -64 * N, k < 0);
  }
  template <int N, class Word>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt(const Exact<Word>& x) {
    const Binade<N> binade = binade_of<N>(x);
    return attempt_from<Word>(binade.k, log_of_one_plus(binade.u));
  }
};

struct Logarithm2 {
  template <class Word, int N>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt_from(int k, const Bounded<N>& log_m) {
    constexpr auto factor = log2e_minus_one<N>();
    const Fixed<N> log2_m = log_m.value + log_m.value * factor;
    const auto sum = sum_of_parts(k, joined(1, Fixed<N>{}), log2_m);
    return cut_to_word<Word>(sum, 2 * log_m.error + 3, -64 * N, k < 0);
  }
  template <int N, class Word>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt(const Exact<Word>& x) {
    const Binade<N> binade = binade_of<N>(x);
    return attempt_from<Word>(binade.k, log_of_one_plus(binade.u));
  }
};

// What both logarithms share: the operands that need no computing.
template <class Function, class Word>
ULPSCOPE_HD constexpr Exact<Word> logarithm_value(const Exact<Word>& x) {
  if (x.kind == Kind::nan) return x;
  if (x.kind == Kind::zero) return exact_infinity<Word>(true, x.flags | Flag::divide_by_zero);
  if (x.negative) return exact_nan<Word>(x.flags | Flag::invalid);
  if (x.kind == Kind::infinity) return x;
  return proved_value<Function>(x);
}

template <class Word>
ULPSCOPE_HD constexpr bool is_power_of_two(const Exact<Word>& x) {
  return (x.significand & static_cast<Word>(x.significand - Word{1})) == Word{0};
}

}  // namespace detail

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> log_exact(const Exact<Word>& x) {
  if (x.kind == Kind::finite && !x.negative && exponent_of(x) == 0 && detail::is_power_of_two(x)) {
    return exact_zero<Word>(false, x.flags);
  }
  return detail::logarithm_value<detail::Logarithm>(x);
}

// log2 x; exact for a power of two.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> log2_exact(const Exact<Word>& x) {
  if (x.kind == Kind::finite && !x.negative && detail::is_power_of_two(x)) {
    const int k = exponent_of(x);
    if (k == 0) return exact_zero<Word>(false, x.flags);
    return {.significand = static_cast<Word>(static_cast<uint64_t>(k < 0 ? -k : k)),
            .kind = Kind::finite,
            .negative = k < 0,
            .flags = x.flags};
  }
  return detail::logarithm_value<detail::Logarithm2>(x);
}

}  // namespace ulpscope
