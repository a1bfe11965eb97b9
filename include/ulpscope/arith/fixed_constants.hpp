// ln 2, log2 e and the tables of 1/n and 1/n!, computed by the compiler to as many limbs as asked.
//
//   ln2<2>().limbs[1] == 0xB172'17F7'D1CF'79AB
//
// No digits are typed in: ln 2 = 2 atanh(1/3) = 2/3 (1 + 1/(3 9) + 1/(5 9^2) + ...), summed with a
// limb to spare; log2 e is the reciprocal of that. All constants are cut: never above the true
// value, and below it by less than 1 + 2^-50 units. (The spare limb takes the errors of the sums,
// some thousands of its own units.)
//
// Users put them in constexpr variables: a compiler need not compute a call outside of one before
// the program runs. Tested by tests/arith/fixed_test.cpp.
#pragma once

#include "ulpscope/arith/fixed.hpp"

namespace ulpscope::detail {

// A constant for one turn of a loop each; a plain array, for device code.
template <int N, int count>
struct FixedTable {
  Fixed<N> entries[count];
};

// 1/n for n >= 2, at place n.
template <int N, int count>
ULPSCOPE_HD constexpr FixedTable<N, count> inverses() {
  FixedTable<N, count> table;
  for (int n = 2; n < count; ++n) {
    // 2^64N - 1 has the quotient of 2^64N, except by powers of two, where it is a unit less.
    table.entries[n] = divided(Fixed<N>{} - Fixed<N>::units(1), static_cast<uint32_t>(n));
  }
  return table;
}

// 1/n! for n >= 2, at place n: below the true value by less than 2 units.
template <int N, int count>
ULPSCOPE_HD constexpr FixedTable<N, count> inverse_factorials() {
  FixedTable<N, count> table;
  Fixed<N> inverse = Fixed<N>{} - Fixed<N>::units(1);
  for (int n = 2; n < count; ++n) {
    inverse = divided(inverse, static_cast<uint32_t>(n));
    table.entries[n] = inverse;
  }
  return table;
}

template <int N>
ULPSCOPE_HD constexpr Fixed<N> ln2() {
  Fixed<N + 1> power;  // 2/3 9^-k
  for (uint64_t& limb : power.limbs) limb = 0xAAAA'AAAA'AAAA'AAAA;
  Fixed<N + 1> sum;
  for (uint32_t k = 0; bit_width(power) > 0; ++k) {
    sum = sum + divided(power, 2 * k + 1);
    power = divided(power, 9);
  }
  return cut<N>(sum);
}

// 1 / (1 + u) for a fraction u, within 3 units: Newton's y' = y + y (1 - b y), b = 1 + u.
//
// The first y = 2^127 / B, B = floor(2^63 b) + 1, has 0 < 1 - b y < 2^-61; a step squares that.
// What cutting adds in a step: 1 - b y is found at most 1 unit too large, and the product is cut,
// so y' is off by at most 1 unit more, to either side. Hence 1 - b y may be negative; modulo 1 that
// is a number near 1, and its complement is subtracted.
template <int N>
[[gnu::noinline]] ULPSCOPE_HD constexpr Fixed<N> reciprocal_of_one_plus(const Fixed<N>& u) {
  const uint128 divisor = (uint128{1} << 63) + (u.limbs[N - 1] >> 1) + 1;
  Fixed<N> y;
  y.limbs[N - 1] = static_cast<uint64_t>((uint128{1} << 127) / divisor);
  for (int bits = 61; bits < 64 * N; bits *= 2) {
    const Fixed<N> short_of_one = Fixed<N>{} - (y + u * y);
    const bool above = short_of_one.limbs[N - 1] >> 63 != 0;
    y = above ? y - y * (Fixed<N>{} - short_of_one) : y + y * short_of_one;
  }
  return y;
}

// log2 e - 1 = 2 (1 / (2 ln 2)) - 1, where 2 ln 2 = 1.386 and the doubling wraps.
template <int N>
ULPSCOPE_HD constexpr Fixed<N> log2e_minus_one() {
  const Fixed<N + 1> half_of_log2e = reciprocal_of_one_plus(ln2<N + 1>() << 1);
  // 16 units of the spare limb below, to be never above.
  return cut<N>((half_of_log2e << 1) - Fixed<N + 1>::units(16));
}

}  // namespace ulpscope::detail
