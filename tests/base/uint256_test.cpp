#include "ulpscope/base/uint256.hpp"

#include <array>
#include <cstddef>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// The same numbers in eight digits of 32 bits, added and multiplied as on paper.
using Digits = std::array<uint64_t, 8>;
Digits digits(Uint256 x) {
  Digits d{};
  for (auto& digit : d) {
    digit = static_cast<uint64_t>(x) & 0xFFFF'FFFF;
    x = x >> 32;
  }
  return d;
}
Uint256 joined(const Digits& d) {
  Uint256 x;
  for (std::size_t i = d.size(); i-- > 0;) x = (x << 32) | Uint256{d[i]};
  return x;
}
Uint256 paper_product(const Uint256& x, const Uint256& y) {
  const Digits a = digits(x);
  const Digits b = digits(y);
  Digits product{};
  for (std::size_t i = 0; i < 8; ++i) {
    uint64_t carry = 0;
    for (std::size_t j = 0; i + j < 8; ++j) {
      const uint64_t sum = a[i] * b[j] + product[i + j] + carry;  // below 2^64
      product[i + j] = sum & 0xFFFF'FFFF;
      carry = sum >> 32;
    }
  }
  return joined(product);
}
Uint256 paper_sum(const Uint256& x, const Uint256& y) {
  const Digits a = digits(x);
  const Digits b = digits(y);
  Digits sum{};
  uint64_t carry = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    sum[i] = (a[i] + b[i] + carry) & 0xFFFF'FFFF;
    carry = (a[i] + b[i] + carry) >> 32;
  }
  return joined(sum);
}

uint64_t next(uint64_t& state) {  // xorshift64
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
Uint256 random(uint64_t& state) {
  const auto half = [&] { return uint128{next(state)} << 64 | next(state); };
  const uint128 high = half();
  // Runs of ones and zeros, where carries travel.
  if (next(state) % 3 == 0) return {~uint128{0} << (next(state) % 128), ~uint128{0}};
  return {high, half()};
}

}  // namespace

TEST_CASE("products and sums are those on paper, modulo 2^256") {
  uint64_t state = 1;
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const Uint256 x = random(state);
    const Uint256 y = random(state);
    wrong += x * y == paper_product(x, y) ? 0 : 1;
    wrong += x + y == paper_sum(x, y) ? 0 : 1;
    wrong += (x + y) - y == x ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("shifts move across the halves and drop what leaves") {
  const Uint256 one = 1;
  for (int n = 0; n < 256; ++n) {
    const Uint256 shifted = one << n;
    CHECK(bit_width(shifted) == n + 1);
    CHECK((shifted >> n) == one);
    CHECK((shifted << (255 - n) >> 255) == one);
    if (n > 0) CHECK((one >> n) == Uint256{});
  }
}

TEST_CASE("order is by value") {
  CHECK(Uint256(0, ~uint128{0}) < Uint256(1, 0));
  CHECK(Uint256(1, 0) > Uint256(0, 5));
  CHECK(Uint256(2, 3) <= Uint256(2, 3));
  CHECK_FALSE(Uint256(2, 3) >= Uint256(2, 4));
  CHECK((~Uint256{} + Uint256{1}) == Uint256{});
}
