#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Exact<uint64_t> exact(uint64_t significand, bool sticky = false) {
  return {.significand = significand, .kind = Kind::finite, .sticky = sticky};
}

// 1 + rest / 2^20 ulps of bf16, rounded to bf16.
Rounded one_and(uint64_t rest, bool sticky = false) {
  auto x = exact((uint64_t{1} << 27) | rest, sticky);
  x.exponent = -27;
  return round_pack(bf16, x, nearest_even);
}

}  // namespace

TEST_CASE("a split keeps the upper bits and discards the lower ones") {
  const auto parts = split(exact(0b101100), 3);
  CHECK(parts.kept == 0b101);
  CHECK(parts.discarded.word == 0b100);
  CHECK(parts.discarded.depth == 3);
  CHECK(lost_of(parts.discarded) == Lost::half);
  CHECK(lost_of(split(exact(0b101100, true), 3).discarded) == Lost::above_half);
  CHECK(lost_of(split(exact(0b101011), 3).discarded) == Lost::below_half);
  CHECK(lost_of(split(exact(0b101000), 3).discarded) == Lost::nothing);
}

TEST_CASE("beyond the word everything is discarded, and is small") {
  for (const int shift : {64, 65, 100, 1000}) {
    const auto parts = split(exact(~uint64_t{0}), shift);
    CHECK(parts.kept == 0);
    CHECK(lost_of(parts.discarded) == (shift == 64 ? Lost::above_half : Lost::below_half));
  }
  CHECK(lost_of(split(exact(uint64_t{1} << 63), 64).discarded) == Lost::half);
}

TEST_CASE("a broken tie lies within a sixteenth of an ulp of half way, on either side") {
  constexpr uint64_t ulp = uint64_t{1} << 20;
  constexpr uint64_t half = ulp / 2;
  constexpr uint64_t reach = ulp / 16;
  const auto broken = [](const Rounded& r) { return has(r.flags, Flag::broken_tie); };
  CHECK_FALSE(broken(one_and(half)));
  CHECK(has(one_and(half).flags, Flag::tie));
  CHECK(broken(one_and(half + 1)));
  CHECK(broken(one_and(half - 1)));
  CHECK(broken(one_and(half, true)));
  CHECK(broken(one_and(half + reach)));
  CHECK(broken(one_and(half - reach)));
  CHECK_FALSE(broken(one_and(half + reach, true)));
  CHECK_FALSE(broken(one_and(half + reach + 1)));
  CHECK_FALSE(broken(one_and(half - reach - 1)));
  CHECK(broken(one_and(half - reach - 1, true)) == false);
  CHECK_FALSE(broken(one_and(0)));
}

TEST_CASE("tininess before and after rounding differ just below the smallest normal number") {
  // 2^-126 (1 - 2^-9): half an ulp of full precision below, a quarter of the subnormal spacing.
  Exact<uint64_t> x = exact((uint64_t{1} << 20) - (uint64_t{1} << 11));
  x.exponent = -146;
  const auto rounded = round_pack(bf16, x, nearest_even);
  CHECK(rounded.bits == 0x0080);
  CHECK(has(rounded.flags, Flag::underflow));
  CHECK_FALSE(has(rounded.flags, Flag::underflow_after));
  // A little lower it stays below also with one bit more: 0x007F.8 in units of the spacing rounds
  // to the normal number, but 2^-126 (1 - 2^-8) is a number of the finer grid.
  x.significand = (uint64_t{1} << 20) - (uint64_t{1} << 12);
  const auto lower = round_pack(bf16, x, nearest_even);
  CHECK(lower.bits == 0x0080);
  CHECK(has(lower.flags, Flag::underflow_after));
}
