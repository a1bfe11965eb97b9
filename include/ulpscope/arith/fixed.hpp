// Fixed<N>: an unsigned number of N 64-bit limbs, for the functions whose values are irrational.
//
// It is the integer of its limbs; where the point is, the user says. Most numbers here are
// fractions, with the point above the top limb, so that the lowest bit, the *unit*, is 2^-64N and
// sums wrap modulo 1. One limb more, on top, holds a whole part: `joined`, `whole` and `fraction`.
//
//   third = Fixed<2>{...0x5555, ...0x5555};  third + third + third == 1 - 1 unit
//   (third * third).limbs[1] == 0x1C71'C71C'71C7'1C71      (1/9, cut to units)
//
// Limits: only what those functions need. Every result but a sum is cut, never rounded up.
// Tested by tests/arith/fixed_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

namespace ulpscope {

template <int N>
struct Fixed;

namespace detail {

// The upper half of the product of two integers of N limbs.
template <int N>
ULPSCOPE_HD constexpr Fixed<N> upper_product(const Fixed<N>& x, const Fixed<N>& y) {
  uint64_t product[2 * N] = {};
  for (int i = 0; i < N; ++i) {
    uint64_t carry = 0;
    for (int j = 0; j < N; ++j) {
      const uint128 t = uint128{x.limbs[i]} * y.limbs[j] + product[i + j] + carry;
      product[i + j] = static_cast<uint64_t>(t);
      carry = static_cast<uint64_t>(t >> 64);
    }
    product[i + N] = carry;
  }
  Fixed<N> upper;
  for (int i = 0; i < N; ++i) upper.limbs[i] = product[N + i];
  return upper;
}
template <int N>
[[gnu::noinline]] ULPSCOPE_HD constexpr Fixed<N> called_upper_product(const Fixed<N>& x,
                                                                      const Fixed<N>& y) {
  return upper_product(x, y);
}

}  // namespace detail

template <int N>
struct Fixed {
  uint64_t limbs[N] = {};  // lowest first

  ULPSCOPE_HD static constexpr Fixed units(uint64_t n) {
    Fixed x;
    x.limbs[0] = n;
    return x;
  }

  ULPSCOPE_HD friend constexpr bool operator==(const Fixed& x, const Fixed& y) {
    uint64_t difference = 0;
    for (int i = 0; i < N; ++i) difference |= x.limbs[i] ^ y.limbs[i];
    return difference == 0;
  }
  ULPSCOPE_HD friend constexpr bool operator<(const Fixed& x, const Fixed& y) {
    for (int i = N - 1; i > 0; --i) {
      if (x.limbs[i] != y.limbs[i]) return x.limbs[i] < y.limbs[i];
    }
    return x.limbs[0] < y.limbs[0];
  }

  ULPSCOPE_HD friend constexpr Fixed operator+(const Fixed& x, const Fixed& y) {
    Fixed sum;
    uint64_t carry = 0;
    for (int i = 0; i < N; ++i) {
      const uint128 t = uint128{x.limbs[i]} + y.limbs[i] + carry;
      sum.limbs[i] = static_cast<uint64_t>(t);
      carry = static_cast<uint64_t>(t >> 64);
    }
    return sum;
  }
  ULPSCOPE_HD friend constexpr Fixed operator-(const Fixed& x, const Fixed& y) {
    Fixed difference;
    uint64_t borrow = 0;
    for (int i = 0; i < N; ++i) {
      const uint128 t = uint128{x.limbs[i]} - y.limbs[i] - borrow;
      difference.limbs[i] = static_cast<uint64_t>(t);
      borrow = static_cast<uint64_t>(t >> 64) & 1;
    }
    return difference;
  }

  // The product of two fractions, cut to units.
  ULPSCOPE_HD friend constexpr Fixed operator*(const Fixed& x, const Fixed& y) {
    // Of many limbs, a call: inlined and unrolled everywhere they would take minutes to compile.
    if constexpr (N > 3) return detail::called_upper_product(x, y);
    return detail::upper_product(x, y);
  }

  // Shifts by any n >= 0.
  ULPSCOPE_HD friend constexpr Fixed operator<<(const Fixed& x, int n) {
    Fixed y;
    const int limbs = n / 64;
    const int bits = n % 64;
    for (int i = N - 1; i >= limbs; --i) {
      const uint64_t below = i > limbs && bits > 0 ? x.limbs[i - limbs - 1] >> (64 - bits) : 0;
      y.limbs[i] = x.limbs[i - limbs] << bits | below;
    }
    return y;
  }
  ULPSCOPE_HD friend constexpr Fixed operator>>(const Fixed& x, int n) {
    Fixed y;
    const int limbs = n / 64;
    const int bits = n % 64;
    for (int i = 0; i < N - limbs; ++i) {
      const uint64_t above =
          i + limbs + 1 < N && bits > 0 ? x.limbs[i + limbs + 1] << (64 - bits) : 0;
      y.limbs[i] = x.limbs[i + limbs] >> bits | above;
    }
    return y;
  }
};

template <int N>
ULPSCOPE_HD constexpr int bit_width(const Fixed<N>& x) {
  for (int i = N - 1; i >= 0; --i) {
    if (x.limbs[i] != 0) return 64 * i + bit_width(x.limbs[i]);
  }
  return 0;
}

// x / n, cut; 0 < n < 2^32, so that a remainder and half a limb fit one word.
template <int N>
ULPSCOPE_HD constexpr Fixed<N> divided(const Fixed<N>& x, uint32_t n) {
  Fixed<N> quotient;
  uint64_t rest = 0;
  for (int i = N - 1; i >= 0; --i) {
    const uint64_t high = rest << 32 | x.limbs[i] >> 32;
    const uint64_t low = (high % n) << 32 | (x.limbs[i] & low_mask<uint64_t>(32));
    quotient.limbs[i] = (high / n) << 32 | low / n;
    rest = low % n;
  }
  return quotient;
}

// A number with its point below the top limb, from its parts and back.
template <int N>
ULPSCOPE_HD constexpr Fixed<N + 1> joined(uint64_t whole, const Fixed<N>& fraction) {
  Fixed<N + 1> x;
  for (int i = 0; i < N; ++i) x.limbs[i] = fraction.limbs[i];
  x.limbs[N] = whole;
  return x;
}
template <int N>
ULPSCOPE_HD constexpr uint64_t whole(const Fixed<N>& x) {
  return x.limbs[N - 1];
}
template <int N>
ULPSCOPE_HD constexpr Fixed<N - 1> fraction(const Fixed<N>& x) {
  Fixed<N - 1> y;
  for (int i = 0; i < N - 1; ++i) y.limbs[i] = x.limbs[i];
  return y;
}

// n x for a fraction x, with its whole part.
template <int N>
ULPSCOPE_HD constexpr Fixed<N + 1> times(const Fixed<N>& x, uint64_t n) {
  Fixed<N + 1> product;
  uint64_t carry = 0;
  for (int i = 0; i < N; ++i) {
    const uint128 t = uint128{x.limbs[i]} * n + carry;
    product.limbs[i] = static_cast<uint64_t>(t);
    carry = static_cast<uint64_t>(t >> 64);
  }
  product.limbs[N] = carry;
  return product;
}

// The fraction x cut to M <= N limbs.
template <int M, int N>
ULPSCOPE_HD constexpr Fixed<M> cut(const Fixed<N>& x) {
  Fixed<M> y;
  for (int i = 0; i < M; ++i) y.limbs[i] = x.limbs[N - M + i];
  return y;
}

}  // namespace ulpscope
