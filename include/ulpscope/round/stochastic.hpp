// Stochastic rounding: the direction is drawn, up with the probability that the discarded fraction
// gives it. The random bits are an argument, never a hidden state.
//
//   value 1 + 1/4 ulp, Variant::a with 2 bits: up for the draw 3 only, one in four
//
// With N bits and a draw R of 0 .. 2^N - 1, the fraction d of an ulp goes up if
//   a      floor(d 2^N) + R >= 2^N                   P(up) = floor(d 2^N) / 2^N, biased toward zero
//   b      floor(d 2^(N+1)) + 2 R + 1 >= 2^(N+1)     P(up) = floor(d 2^N + 1/2) / 2^N
//   c      round_to_even(d 2^N) + R >= 2^N           P(up) = round_to_even(d 2^N) / 2^N
//   exact  d 2^64 + R >= 2^64, what lies below 2^-64 ulp counted as one more unit; N is 64
// A value that the format holds is never changed.
//
// Source: the three variants of IEEE P3109 draft 3.2 (StochasticA, B, C).
// Tested by tests/round/stochastic_test.cpp, which enumerates every draw.
#pragma once

#include "ulpscope/round/split.hpp"

namespace ulpscope {

enum class Variant : uint8_t { a, b, c, exact };

struct Stochastic {
  Variant variant = Variant::exact;
  int bits = 64;  // 1..64; 64 for exact
  Policy policy = {};

  friend constexpr bool operator==(const Stochastic&, const Stochastic&) = default;
};

ULPSCOPE_HD constexpr bool is_valid(const Stochastic& r) {
  return r.bits >= 1 && r.bits <= 64 && (r.variant != Variant::exact || r.bits == 64);
}

namespace detail {

// The first n <= 65 bits of the fraction as an integer, and whether anything follows them.
struct Leading {
  uint128 word;
  bool rest;
};
template <class Word>
ULPSCOPE_HD constexpr Leading leading_bits(const Discarded<Word>& d, int n) {
  if (d.depth <= n) return {static_cast<uint128>(d.word) << (n - d.depth), d.sticky};
  const auto cut = shift_right_jam(d.word, d.depth - n);
  return {static_cast<uint128>(cut.word), cut.sticky || d.sticky};
}

struct ByDraw {
  Stochastic rounding;
  uint64_t random;

  template <class Word>
  ULPSCOPE_HD constexpr bool away(const Discarded<Word>& d, bool /*negative*/, bool /*odd*/) const {
    const int n = rounding.bits;
    const uint128 draw = random & low_mask<uint64_t>(n);
    const uint128 one = uint128{1} << n;
    const auto head = leading_bits(d, n);
    const auto more = leading_bits(d, n + 1);
    switch (rounding.variant) {
      case Variant::a: return head.word + draw >= one;
      case Variant::b: return more.word + 2 * draw + 1 >= 2 * one;
      case Variant::c: {
        const bool half = (more.word & 1) != 0;
        const bool up = half && (more.rest || (head.word & 1) != 0);
        return head.word + (up ? 1 : 0) + draw >= one;
      }
      case Variant::exact: return head.word + (head.rest ? 1 : 0) + draw >= one;
    }
    return false;
  }
  // A drawn direction decides between neighbours; beyond the last of them lies infinity.
  ULPSCOPE_HD constexpr bool leaves(const Format& /*f*/, bool /*negative*/) const { return true; }
};

}  // namespace detail

}  // namespace ulpscope
