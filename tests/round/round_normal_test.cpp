#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr Rounding every_mode[] = {nearest_even, nearest_away, nearest_zero,   toward_zero,
                                   upward,       downward,     away_from_zero, to_odd};

// A value whose significand has a random length and whose binade is near the format's range.
template <class Word>
Exact<Word> random_value(Generator& random, const Format& f) {
  const int bits = random.between(1, 64);
  const uint64_t significand = random.next() >> (64 - bits);
  const int top = static_cast<int>(largest_finite_bits<uint128>(f) >> f.trailing_bits);
  return {.significand = static_cast<Word>(significand == 0 ? 1 : significand),
          .exponent = emin(f) + random.between(-f.trailing_bits - 4, top + 2) - bits,
          .kind = Kind::finite,
          .negative = random.below(2) == 0,
          .sticky = random.below(16) == 0};
}

template <class Word>
void check_against_general(const Format& f, uint64_t seed) {
  Generator random(seed);
  int common = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto x = random_value<Word>(random, f);
    if (!detail::rounds_to_normal<uint128>(f, x)) continue;
    ++common;
    const auto same = [&](const auto& direction) {
      const auto quick = detail::round_normal<uint128>(f, x, direction);
      const auto general = detail::round_general<uint128>(f, x, Policy{}, direction);
      CHECK(quick.bits == general.bits);
      CHECK(quick.residue == general.residue);
      CHECK(quick.flags == general.flags);
    };
    for (const Rounding& r : every_mode) same(detail::ByMode{r.mode});
    same(detail::ByDraw{Stochastic{}, random.next()});
    same(detail::ByDraw{Stochastic{Variant::b, 8}, random.next()});
  }
  const bool has_inner_binade = largest_finite_bits<uint128>(f) >> f.trailing_bits > 1;
  CHECK((common > 0) ==
        (has_inner_binade && f.zero != Zero::none && precision(f) < word_bits<Word>));
}

}  // namespace

TEST_CASE("the common rounding agrees with the general one in every format, mode and word") {
  uint64_t seed = 0;
  for (const auto& row : catalogue) {
    CAPTURE(row.name);
    check_against_general<uint64_t>(row.format, ++seed);
    check_against_general<uint128>(row.format, ++seed);
    check_against_general<Uint256>(row.format, ++seed);
  }
}

TEST_CASE("the worked example of the header") {
  const auto x = decode<uint64_t>(fp32, 0xC0968717);
  REQUIRE(detail::rounds_to_normal<uint64_t>(bf16, x));
  const auto rounded = detail::round_normal<uint64_t>(bf16, x, detail::ByMode{Mode::nearest_even});
  CHECK(rounded.bits == 0xC097);
  CHECK(rounded.residue == -0x78E90000);
  CHECK(rounded.flags == (Flag::inexact | Flag::away | Flag::broken_tie));
}

TEST_CASE("what the common rounding leaves to the general one") {
  const auto takes = [](const Format& f, Exact<uint64_t> x) {
    x.kind = Kind::finite;
    return detail::rounds_to_normal<uint64_t>(f, x);
  };
  CHECK(takes(fp16, {.significand = 1}));
  CHECK(takes(fp16, {.significand = 1, .exponent = -14}));
  CHECK_FALSE(takes(fp16, {.significand = 1, .exponent = -15}));  // subnormal
  CHECK(takes(fp16, {.significand = 1, .exponent = 14}));
  CHECK_FALSE(takes(fp16, {.significand = 1, .exponent = 15}));  // the highest binade
  CHECK_FALSE(takes(fp16, {.significand = 1, .sticky = true}));
  // 1 + 2^-42 has a residue of 2^-32 ulp, 1 + 2^-43 one that 32 bits do not hold.
  CHECK(takes(fp16, {.significand = (uint64_t{1} << 42) | 1, .exponent = -42}));
  CHECK_FALSE(takes(fp16, {.significand = (uint64_t{1} << 43) | 1, .exponent = -43}));
  CHECK_FALSE(takes(e8m0fnu, {.significand = 1}));  // no zero
  CHECK_FALSE(detail::rounds_to_normal<uint64_t>(fp16, exact_zero<uint64_t>(false)));
  CHECK_FALSE(detail::rounds_to_normal<uint64_t>(fp16, exact_infinity<uint64_t>(false)));
}
