#include "ulpscope/round/rounding.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {
constexpr bool negative = true;
constexpr bool positive = false;
constexpr bool odd = true;
constexpr bool even = false;
}  // namespace

TEST_CASE("an exact value stays in every mode") {
  for (const auto& row : mode_names) {
    for (const bool sign : {positive, negative}) {
      for (const bool parity : {odd, even}) {
        CHECK_FALSE(rounds_away(row.mode, Lost::nothing, sign, parity));
      }
    }
  }
}

TEST_CASE("the nearest modes differ at a tie only") {
  for (const Mode mode : {Mode::nearest_even, Mode::nearest_away, Mode::nearest_zero}) {
    for (const bool parity : {odd, even}) {
      CHECK_FALSE(rounds_away(mode, Lost::below_half, positive, parity));
      CHECK(rounds_away(mode, Lost::above_half, negative, parity));
    }
  }
  CHECK(rounds_away(Mode::nearest_even, Lost::half, positive, odd));
  CHECK_FALSE(rounds_away(Mode::nearest_even, Lost::half, positive, even));
  CHECK(rounds_away(Mode::nearest_away, Lost::half, negative, even));
  CHECK_FALSE(rounds_away(Mode::nearest_zero, Lost::half, negative, odd));
}

TEST_CASE("the directed modes look at the sign and not at what was lost") {
  for (const Lost lost : {Lost::below_half, Lost::half, Lost::above_half}) {
    CHECK_FALSE(rounds_away(Mode::toward_zero, lost, positive, odd));
    CHECK(rounds_away(Mode::away, lost, negative, even));
    CHECK(rounds_away(Mode::up, lost, positive, even));
    CHECK_FALSE(rounds_away(Mode::up, lost, negative, even));
    CHECK(rounds_away(Mode::down, lost, negative, odd));
    CHECK_FALSE(rounds_away(Mode::down, lost, positive, odd));
  }
}

TEST_CASE("round to odd leaves an odd significand and moves an even one") {
  for (const Lost lost : {Lost::below_half, Lost::half, Lost::above_half}) {
    CHECK(rounds_away(Mode::to_odd, lost, positive, even));
    CHECK_FALSE(rounds_away(Mode::to_odd, lost, negative, odd));
  }
}

TEST_CASE("overflow leaves the finite numbers as IEEE 754 section 7.4 has it") {
  for (const Mode mode : {Mode::nearest_even, Mode::nearest_away, Mode::nearest_zero, Mode::away}) {
    CHECK(overflows_to_infinity(fp16, mode, positive));
    CHECK(overflows_to_infinity(fp16, mode, negative));
  }
  CHECK_FALSE(overflows_to_infinity(fp16, Mode::toward_zero, positive));
  CHECK_FALSE(overflows_to_infinity(fp16, Mode::to_odd, negative));
  CHECK(overflows_to_infinity(fp16, Mode::up, positive));
  CHECK_FALSE(overflows_to_infinity(fp16, Mode::up, negative));
  CHECK(overflows_to_infinity(fp16, Mode::down, negative));
  CHECK_FALSE(overflows_to_infinity(fp16, Mode::down, positive));
}

TEST_CASE("saturating keeps the mode") {
  CHECK(saturating(upward) == Rounding{Mode::up, {Overflow::saturate}});
  CHECK(saturating(saturating(upward)) == saturating(upward));
  CHECK(saturating(upward) != upward);
  CHECK(Rounding{} == nearest_even);
}
