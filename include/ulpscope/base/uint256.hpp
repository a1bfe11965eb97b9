// An unsigned integer of 256 bits, with the few operations that the exact arithmetic of the core
// uses: the word for formats of 64 significant bits, whose products fill 128.
//
//   Uint256{3} << 200 >> 200 == Uint256{3}
//
// Wraps like the built-in types; shifts of 0..255. Slow and plain: two halves of 128 bits.
// Tested by tests/base/uint256_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

namespace ulpscope {

struct Uint256 {
  uint128 high = 0;
  uint128 low = 0;

  constexpr Uint256() = default;
  ULPSCOPE_HD constexpr Uint256(uint128 high_half, uint128 low_half)
      : high(high_half), low(low_half) {}
  ULPSCOPE_HD explicit constexpr Uint256(uint128 x) : low(x) {}
  ULPSCOPE_HD explicit constexpr Uint256(uint64_t x) : low(x) {}
  // The literals 0, 1 and 2 in code that is written for any word: never negative.
  ULPSCOPE_HD constexpr Uint256(int x) : low(static_cast<unsigned>(x)) {}  // NOLINT(*explicit*)

  ULPSCOPE_HD explicit constexpr operator uint128() const { return low; }
  ULPSCOPE_HD explicit constexpr operator uint64_t() const { return static_cast<uint64_t>(low); }
  ULPSCOPE_HD explicit constexpr operator int64_t() const { return static_cast<int64_t>(low); }

  ULPSCOPE_HD friend constexpr bool operator==(const Uint256& x, const Uint256& y) {
    return x.high == y.high && x.low == y.low;
  }
  ULPSCOPE_HD friend constexpr bool operator<(const Uint256& x, const Uint256& y) {
    return x.high < y.high || (x.high == y.high && x.low < y.low);
  }
  ULPSCOPE_HD friend constexpr bool operator>(const Uint256& x, const Uint256& y) { return y < x; }
  ULPSCOPE_HD friend constexpr bool operator<=(const Uint256& x, const Uint256& y) {
    return !(y < x);
  }
  ULPSCOPE_HD friend constexpr bool operator>=(const Uint256& x, const Uint256& y) {
    return !(x < y);
  }

  ULPSCOPE_HD friend constexpr Uint256 operator~(const Uint256& x) { return {~x.high, ~x.low}; }
  ULPSCOPE_HD friend constexpr Uint256 operator|(const Uint256& x, const Uint256& y) {
    return {x.high | y.high, x.low | y.low};
  }
  ULPSCOPE_HD friend constexpr Uint256 operator^(const Uint256& x, const Uint256& y) {
    return {x.high ^ y.high, x.low ^ y.low};
  }
  ULPSCOPE_HD friend constexpr Uint256 operator&(const Uint256& x, const Uint256& y) {
    return {x.high & y.high, x.low & y.low};
  }
  ULPSCOPE_HD constexpr Uint256& operator|=(const Uint256& y) { return *this = *this | y; }

  ULPSCOPE_HD friend constexpr Uint256 operator<<(const Uint256& x, int n) {
    if (n == 0) return x;
    if (n >= 128) return {x.low << (n - 128), 0};
    return {x.high << n | x.low >> (128 - n), x.low << n};
  }
  ULPSCOPE_HD friend constexpr Uint256 operator>>(const Uint256& x, int n) {
    if (n == 0) return x;
    if (n >= 128) return {0, x.high >> (n - 128)};
    return {x.high >> n, x.low >> n | x.high << (128 - n)};
  }

  ULPSCOPE_HD friend constexpr Uint256 operator+(const Uint256& x, const Uint256& y) {
    const uint128 low = x.low + y.low;
    return {x.high + y.high + (low < x.low ? 1 : 0), low};
  }
  ULPSCOPE_HD friend constexpr Uint256 operator-(const Uint256& x, const Uint256& y) {
    return {x.high - y.high - (x.low < y.low ? 1 : 0), x.low - y.low};
  }
  // Schoolbook on halves of halves; what passes 256 bits is dropped.
  ULPSCOPE_HD friend constexpr Uint256 operator*(const Uint256& x, const Uint256& y) {
    const uint128 mask = ~uint64_t{0};
    const uint128 a = x.low & mask;
    const uint128 b = x.low >> 64;
    const uint128 c = y.low & mask;
    const uint128 d = y.low >> 64;
    const Uint256 middle = Uint256(a * d) + Uint256(b * c);  // carries into the upper half
    const Uint256 outer{b * d + x.high * y.low + x.low * y.high, a * c};
    return outer + (middle << 64);
  }
};

ULPSCOPE_HD constexpr int bit_width(const Uint256& x) {
  return x.high != 0 ? 128 + bit_width(x.high) : bit_width(x.low);
}

}  // namespace ulpscope
