#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// 1 + numerator / 2^depth ulps of e5m2.
Exact<uint64_t> one_and(uint64_t numerator, int depth) {
  return {.significand = (uint64_t{1} << (2 + depth)) | numerator,
          .exponent = -2 - depth,
          .kind = Kind::finite};
}

// How many of the 2^bits draws round away.
uint64_t aways(const Exact<uint64_t>& x, Variant variant, int bits) {
  uint64_t count = 0;
  for (uint64_t draw = 0; draw >> bits == 0; ++draw) {
    const auto r = round_pack(e5m2, x, Stochastic{variant, bits}, draw);
    count += has(r.flags, Flag::away) ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a quarter of an ulp goes up for one draw in four") {
  CHECK(aways(one_and(1, 2), Variant::a, 2) == 1);
  CHECK(aways(one_and(1, 2), Variant::a, 8) == 64);
  CHECK(round_pack(e5m2, one_and(1, 2), Stochastic{Variant::a, 2}, 3).bits == 0x3D);
  CHECK(round_pack(e5m2, one_and(1, 2), Stochastic{Variant::a, 2}, 2).bits == 0x3C);
}

TEST_CASE("every variant goes up as often as its formula says, for every fraction and bit count") {
  // Fractions of 9 bits, so that both whole and cut fractions come up for N = 1..12.
  constexpr int depth = 9;
  for (int bits = 1; bits <= 12; ++bits) {
    for (uint64_t n = 0; n < (1 << depth); n += 5) {
      const auto x = one_and(n, depth);
      // fraction 2^bits = scaled / 2^9, in integers
      const uint64_t scaled = n << bits;
      const uint64_t whole = scaled >> depth;
      const uint64_t rest = scaled & ((1 << depth) - 1);
      const uint64_t half = uint64_t{1} << (depth - 1);
      CHECK(aways(x, Variant::a, bits) == whole);
      CHECK(aways(x, Variant::b, bits) == whole + (rest >= half ? 1 : 0));
      const bool up = rest > half || (rest == half && whole % 2 == 1);
      CHECK(aways(x, Variant::c, bits) == whole + (up ? 1 : 0));
    }
  }
}

TEST_CASE("the mean error over all draws is what the variant's bias is") {
  // d = 5/8 of an ulp with 2 bits: a goes up twice in four, so the mean error is 1/2 - 5/8 ulp.
  int64_t sum = 0;
  for (uint64_t draw = 0; draw < 4; ++draw) {
    sum += round_pack(e5m2, one_and(5, 3), Stochastic{Variant::a, 2}, draw).residue;
  }
  CHECK(sum == -4 * (residue_one_ulp / 8));
}

TEST_CASE("what the format holds does not move, whatever is drawn") {
  for (const auto variant : {Variant::a, Variant::b, Variant::c}) {
    CHECK(aways(one_and(0, 4), variant, 10) == 0);
  }
  const auto exact = round_pack(e5m2, one_and(0, 4), Stochastic{}, ~uint64_t{0});
  CHECK(exact.bits == 0x3C);
  CHECK(exact.flags == Flag::none);
}

TEST_CASE("the exact variant goes up at the draw where the fraction begins") {
  // d = 3/8: up for the highest 3/8 of all 64-bit draws.
  const uint64_t first = uint64_t{5} << 61;
  CHECK(round_pack(e5m2, one_and(3, 3), Stochastic{}, first).bits == 0x3D);
  CHECK(round_pack(e5m2, one_and(3, 3), Stochastic{}, first - 1).bits == 0x3C);
}

TEST_CASE("bits above those of the draw are ignored") {
  const Stochastic r{Variant::a, 3};
  for (uint64_t draw = 0; draw < 8; ++draw) {
    CHECK(round_pack(e5m2, one_and(5, 3), r, draw).bits ==
          round_pack(e5m2, one_and(5, 3), r, draw | 0xFFFF'0000).bits);
  }
}

TEST_CASE("beyond the largest number a draw leads to infinity, or where the policy says") {
  const Exact<uint64_t> large{.significand = 1, .exponent = 20, .kind = Kind::finite};
  CHECK(round_pack(e5m2, large, Stochastic{}, 0).bits == 0x7C);
  CHECK(round_pack(e5m2, large, Stochastic{.policy = {Overflow::saturate}}, 0).bits == 0x7B);
}

TEST_CASE("bits are 1 to 64, and 64 for the exact variant") {
  CHECK(is_valid(Stochastic{}));
  CHECK(is_valid(Stochastic{Variant::a, 1}));
  CHECK_FALSE(is_valid(Stochastic{Variant::a, 0}));
  CHECK_FALSE(is_valid(Stochastic{Variant::b, 65}));
  CHECK_FALSE(is_valid(Stochastic{Variant::exact, 8}));
}
