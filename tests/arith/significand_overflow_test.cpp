// Significand overflow, and why it makes a rounding one-sided: the worked example of Qiu and Yao
// ("Why low-precision transformer training fails", section on the rounding mechanism), row by row.
//
// Two bf16 numbers of one sign and binade are added in binary32. The sum carries out into the
// next binade, so one bit falls off the seven: if it is set, the sum is a tie. A small residue of
// the same sign from the other terms of the running sum turns every such tie into "more than
// half", and all of them round away from zero.
//
// Written to be copied: this is how a rounding case becomes a unit test.
#include "ulpscope/arith/soft.hpp"
#include "ulpscope/interop/doctest.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Half = Soft<bf16>;
using Single = Soft<fp32>;

constexpr int64_t half_ulp = residue_one_ulp / 2;

// The rows of the example, as codes of binary32; those with 16 zero bits are bf16 numbers.
const auto running_sum_head = Single::from_bits(0b1'10000000'0011010'0000000000000000);
const auto running_sum = Single::from_bits(0b1'10000000'0011010'0000111000101110);
const auto second_term = Single::from_bits(0b1'10000000'0010011'0000000000000000);
const auto exact_sum = Single::from_bits(0b1'10000001'0010110'1000011100010111);
const auto exact_tie = Single::from_bits(0b1'10000001'0010110'1000000000000000);
const auto away = Half::from_bits(0b1'10000001'0010111);
const auto toward = Half::from_bits(0b1'10000001'0010110);

double value(auto x) { return static_cast<double>(x); }

}  // namespace

TEST_CASE("the rows of the worked example have the values of the paper") {
  CHECK(value(running_sum_head) == -2.40625);
  CHECK(value(running_sum) == -2.4071154594421387);
  CHECK(value(second_term) == -2.296875);
  CHECK(value(exact_sum) == -4.703990459442139);
  CHECK(value(away) == -4.71875);
  CHECK(value(exact_tie) == -4.703125);
  CHECK(value(toward) == -4.6875);
}

TEST_CASE("the binary32 sum is exact and carries out") {
  const auto sum = add_to<Single>(running_sum, second_term);
  CHECK(sum.value.bits() == exact_sum.bits());
  CHECK(sum.residue == 0);
  CHECK(sum.flags == Flag::carry_out);
}

TEST_CASE("with the residue the sum rounds away from zero") {
  const auto rounded = convert_to<Half>(exact_sum);
  CHECK(rounded.value.bits() == away.bits());
  // 0x8717 of 0x10000 were discarded; an ulp here is 2^-5.
  CHECK(rounded.residue == -(int64_t{0x10000 - 0x8717} << 16));
  CHECK(value(away) - value(exact_sum) == -0.014759540557861328);
  // The residue of 2^-12 ulp alone decides: a tie without it.
  CHECK(rounded.flags == (Flag::inexact | Flag::away | Flag::broken_tie));
}

TEST_CASE("without the residue the sum is an exact tie and goes to the even neighbour") {
  const auto sum = add_to<Single>(running_sum_head, second_term);
  CHECK(sum.value.bits() == exact_tie.bits());
  CHECK(has(sum.flags, Flag::carry_out));
  const auto rounded = convert_to<Half>(sum.value);
  CHECK(rounded.value.bits() == toward.bits());
  CHECK(rounded.residue == half_ulp);
  CHECK(value(toward) - value(exact_tie) == 0.015625);
  CHECK(rounded.flags == (Flag::inexact | Flag::tie));
}

TEST_CASE("adding straight into bf16 rounds the same sum once") {
  const auto sum = add_to<Half>(running_sum, second_term);
  CHECK(sum.value.bits() == away.bits());
  CHECK(sum.residue == convert_to<Half>(exact_sum).residue);
  CHECK(sum.flags == (Flag::carry_out | Flag::inexact | Flag::away | Flag::broken_tie));
}

TEST_CASE("a residue of 2^-60 is enough to break a tie") {
  // 1 + 2^-8 is a tie of bf16 that goes down to 1; any more and it goes up.
  const Soft<fp64> tie(1.0 + 0x1p-8);
  const Soft<fp64> residue(0x1p-60);
  const auto alone = convert_to<Half>(tie);
  CHECK(alone.value == Half(1.0));
  CHECK(has(alone.flags, Flag::tie));
  const auto broken = add_to<Half>(tie, residue);
  CHECK(broken.value == Half(1.0 + 0x1p-7));
  CHECK_FALSE(has(broken.flags, Flag::tie));
  CHECK(has(broken.flags, Flag::residue_truncated));
  const auto other_side = subtract_to<Half>(Soft<fp64>(1.0 + 3 * 0x1p-8), residue);
  CHECK(other_side.value == Half(1.0 + 0x1p-7));
}

TEST_CASE("a carry of the sum and a carry of the rounding are told apart") {
  const auto sum = add_to<Half>(Half(1.5), Half(0.75));  // 2.25, exact
  CHECK(sum.flags == Flag::carry_out);
  // 2 - 2^-7 is the largest bf16 number below 2; three quarters of an ulp more rounds up to 2.
  const auto rounded = add_to<Half>(Half(0x1.fep0), Half(0x1.8p-8));
  CHECK(rounded.value == Half(2.0));
  CHECK(has(rounded.flags, Flag::round_carry));
  CHECK_FALSE(has(rounded.flags, Flag::carry_out));
}

TEST_CASE("same-sign terms of one binade always carry out, opposite ones never") {
  for (uint64_t x = 0x3F80; x < 0x4000; ++x) {
    for (uint64_t y = 0x3F80; y < 0x4000; ++y) {
      const auto a = Half::from_bits(x);
      const auto b = Half::from_bits(y);
      REQUIRE(has(add_to<Half>(a, b).flags, Flag::carry_out));
      REQUIRE_FALSE(has(subtract_to<Half>(a, b).flags, Flag::carry_out));
    }
  }
}

TEST_CASE("every mode has its answer to the tie of the worked example") {
  const auto bits = [](auto x) { return convert_to<decltype(x)>(exact_tie).value.bits(); };
  CHECK(bits(Soft<bf16, nearest_even>()) == toward.bits());
  CHECK(bits(Soft<bf16, nearest_away>()) == away.bits());
  CHECK(bits(Soft<bf16, nearest_zero>()) == toward.bits());
  CHECK(bits(Soft<bf16, toward_zero>()) == toward.bits());
  CHECK(bits(Soft<bf16, upward>()) == toward.bits());
  CHECK(bits(Soft<bf16, downward>()) == away.bits());
  CHECK(bits(Soft<bf16, away_from_zero>()) == away.bits());
  CHECK(bits(Soft<bf16, to_odd>()) == away.bits());
}
