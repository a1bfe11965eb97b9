#include "ulpscope/round/round_pack.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr int64_t half_ulp = residue_one_ulp / 2;

// significand x 2^exponent; a negative significand is a negative number.
Exact<uint64_t> number(int64_t significand, int exponent) {
  return {.significand = static_cast<uint64_t>(significand < 0 ? -significand : significand),
          .exponent = exponent,
          .kind = Kind::finite,
          .negative = significand < 0};
}
Exact<uint64_t> a_little_more(Exact<uint64_t> x) {
  x.sticky = true;
  return x;
}

uint64_t rounded_bits(const Format& f, const Exact<uint64_t>& x, Rounding r) {
  return round_pack(f, x, r).bits;
}

// Half way between 1 and 1 + 2^-7 in bf16, and between the next two.
const auto tie_above_even = number(0b1'0000'0001, -8);
const auto tie_above_odd = number(0b1'0000'0011, -8);

}  // namespace

TEST_CASE("a tie goes to the even neighbour, away from zero or toward it, as the mode says") {
  CHECK(rounded_bits(bf16, tie_above_even, nearest_even) == 0x3F80);
  CHECK(rounded_bits(bf16, tie_above_odd, nearest_even) == 0x3F82);
  CHECK(rounded_bits(bf16, tie_above_even, nearest_away) == 0x3F81);
  CHECK(rounded_bits(bf16, tie_above_odd, nearest_away) == 0x3F82);
  CHECK(rounded_bits(bf16, tie_above_even, nearest_zero) == 0x3F80);
  CHECK(rounded_bits(bf16, tie_above_odd, nearest_zero) == 0x3F81);
  CHECK(has(round_pack(bf16, tie_above_odd, nearest_zero).flags, Flag::tie));
}

TEST_CASE("the directed modes and round to odd pick their side of a tie") {
  const auto negative_tie = number(-0b1'0000'0001, -8);
  CHECK(rounded_bits(bf16, tie_above_even, toward_zero) == 0x3F80);
  CHECK(rounded_bits(bf16, tie_above_even, away_from_zero) == 0x3F81);
  CHECK(rounded_bits(bf16, tie_above_even, upward) == 0x3F81);
  CHECK(rounded_bits(bf16, tie_above_even, downward) == 0x3F80);
  CHECK(rounded_bits(bf16, negative_tie, upward) == 0xBF80);
  CHECK(rounded_bits(bf16, negative_tie, downward) == 0xBF81);
  CHECK(rounded_bits(bf16, tie_above_even, to_odd) == 0x3F81);
  CHECK(rounded_bits(bf16, tie_above_odd, to_odd) == 0x3F81);
}

TEST_CASE("a sticky bit makes a tie more than a tie") {
  const auto above_tie = a_little_more(tie_above_even);
  CHECK(rounded_bits(bf16, above_tie, nearest_even) == 0x3F81);
  CHECK(rounded_bits(bf16, above_tie, nearest_zero) == 0x3F81);
  CHECK_FALSE(has(round_pack(bf16, above_tie, nearest_even).flags, Flag::tie));
}

TEST_CASE("a sticky bit alone is inexact and below half") {
  const auto above_one = a_little_more(number(1 << 20, -20));
  CHECK(rounded_bits(bf16, above_one, nearest_even) == 0x3F80);
  CHECK(rounded_bits(bf16, above_one, upward) == 0x3F81);
  CHECK(has(round_pack(bf16, above_one, nearest_even).flags, Flag::inexact));
}

TEST_CASE("an exact value has no residue and no flags") {
  for (const auto& row : mode_names) {
    const Rounded r = round_pack(bf16, number(-151, -5), {row.mode});
    CHECK(r.bits == 0xC097);
    CHECK(r.residue == 0);
    CHECK(r.flags == Flag::none);
  }
}

TEST_CASE("the residue is rounded minus exact, signed by value") {
  CHECK(round_pack(bf16, tie_above_even, downward).residue == -half_ulp);
  CHECK(round_pack(bf16, tie_above_even, upward).residue == half_ulp);
  CHECK(round_pack(bf16, number(-0b1'0000'0001, -8), downward).residue == -half_ulp);
  CHECK(round_pack(bf16, number(-0b1'0000'0001, -8), upward).residue == half_ulp);
  // A quarter above 1, in ulps of 2^-7.
  CHECK(round_pack(bf16, number(0b10'0000'0001, -9), toward_zero).residue == -half_ulp / 2);
  CHECK(round_pack(bf16, number(0b10'0000'0001, -9), upward).residue == half_ulp / 2 * 3);
}

TEST_CASE("residue bits below 2^-32 ulp are cut toward zero, and the cut is told") {
  // 1 + 2^-41 is 2^-34 ulp above 1.
  const auto x = number((int64_t{1} << 41) + 1, -41);
  const Rounded down = round_pack(bf16, x, toward_zero);
  CHECK(down.residue == 0);
  CHECK(has(down.flags, Flag::residue_truncated));
  const Rounded up = round_pack(bf16, x, upward);
  CHECK(up.residue == residue_one_ulp - 1);
  CHECK(has(up.flags, Flag::residue_truncated));
  // 1 + 2^-39 is exactly one unit above 1.
  const Rounded unit = round_pack(bf16, number((int64_t{1} << 39) + 1, -39), toward_zero);
  CHECK(unit.residue == -1);
  CHECK_FALSE(has(unit.flags, Flag::residue_truncated));
}

TEST_CASE("a carry into the next binade keeps the ulp it was rounded at") {
  // 1.1111111|1 is a tie below 2 that goes up.
  const Rounded r = round_pack(bf16, number(0b1'1111'1111, -8), nearest_even);
  CHECK(r.bits == 0x4000);
  CHECK(r.residue == half_ulp);
  CHECK(has(r.flags, Flag::round_carry));
  CHECK(has(r.flags, Flag::away));
  CHECK_FALSE(has(r.flags, Flag::carry_out));
}

TEST_CASE("subnormals are rounded at the smallest subnormal's place") {
  // 2^-24 is binary16's smallest number.
  CHECK(rounded_bits(fp16, number(3, -25), nearest_even) == 0x0002);
  CHECK(rounded_bits(fp16, number(1, -25), nearest_even) == 0x0000);
  CHECK(rounded_bits(fp16, a_little_more(number(1 << 10, -35)), nearest_even) == 0x0001);
  CHECK(rounded_bits(fp16, number(-1, -25), nearest_away) == 0x8001);
  const Rounded r = round_pack(fp16, number(3, -25), nearest_even);
  CHECK(r.residue == half_ulp);
  CHECK(has(r.flags, Flag::subnormal));
  CHECK(has(r.flags, Flag::underflow));
}

TEST_CASE("an exact subnormal does not underflow") {
  const Rounded r = round_pack(fp16, number(3, -24), nearest_even);
  CHECK(r.bits == 0x0003);
  CHECK(r.flags == Flag::subnormal);
}

TEST_CASE("tininess is found before rounding") {
  // Just below 2^-14, rounded up to it: a normal result that underflowed.
  const Rounded r = round_pack(fp16, number(0xFFFF, -30), nearest_even);
  CHECK(r.bits == 0x0400);
  CHECK(has(r.flags, Flag::underflow));
  CHECK(has(r.flags, Flag::round_carry));
  CHECK_FALSE(has(r.flags, Flag::subnormal));
}

TEST_CASE("the smallest normal binade is not tiny") {
  const Rounded inexact = round_pack(fp16, number((1 << 12) + 1, -26), nearest_even);
  CHECK(inexact.bits == 0x0400);
  CHECK(inexact.flags == Flag::inexact);
  CHECK(round_pack(fp16, number(1, -14), nearest_even).flags == Flag::none);
}

TEST_CASE("a value far below the smallest number is zero or the smallest number") {
  for (const int exponent : {-200, -100'000}) {
    const auto x = number(-1, exponent);
    CHECK(rounded_bits(fp16, x, nearest_even) == 0x8000);
    CHECK(rounded_bits(fp16, x, toward_zero) == 0x8000);
    CHECK(rounded_bits(fp16, x, upward) == 0x8000);
    CHECK(rounded_bits(fp16, x, downward) == 0x8001);
    CHECK(rounded_bits(fp16, x, away_from_zero) == 0x8001);
    CHECK(rounded_bits(fp16, x, to_odd) == 0x8001);
  }
}

TEST_CASE("E4M3 overflow becomes NaN, not infinity") {
  CHECK(rounded_bits(e4m3fn, number(448, 0), nearest_even) == 0x7E);
  // 464 is half way to 480, which would be the next number.
  CHECK(rounded_bits(e4m3fn, number(464, 0), nearest_even) == 0x7E);
  CHECK(rounded_bits(e4m3fn, number(464, 0), nearest_zero) == 0x7E);
  CHECK(rounded_bits(e4m3fn, number(464, 0), nearest_away) == 0x7F);
  CHECK(rounded_bits(e4m3fn, number(465, 0), nearest_even) == 0x7F);
  CHECK(rounded_bits(e4m3fn, number(-465, 0), nearest_even) == 0x7F);
  CHECK(rounded_bits(e4m3fn, number(465, 0), toward_zero) == 0x7E);
  CHECK(rounded_bits(e4m3fn, number(-449, 0), upward) == 0xFE);
  CHECK(rounded_bits(e4m3fn, number(1, 1000), nearest_even) == 0x7F);
  CHECK_FALSE(has(round_pack(e4m3fn, number(464, 0), nearest_even).flags, Flag::overflow));
  CHECK(has(round_pack(e4m3fn, number(465, 0), nearest_even).flags, Flag::overflow));
}

TEST_CASE("E5M2 overflow becomes infinity from the middle of the next step on") {
  CHECK(rounded_bits(e5m2, number(57344, 0), nearest_even) == 0x7B);
  CHECK(rounded_bits(e5m2, number(61439, 0), nearest_even) == 0x7B);
  CHECK(rounded_bits(e5m2, number(61440, 0), nearest_even) == 0x7C);
  CHECK(rounded_bits(e5m2, number(61440, 0), nearest_zero) == 0x7B);
  CHECK(rounded_bits(e5m2, number(-61440, 0), nearest_even) == 0xFC);
  CHECK(rounded_bits(e5m2, number(1, 1000), toward_zero) == 0x7B);
  CHECK(rounded_bits(e5m2, number(1, 1000), to_odd) == 0x7B);
  CHECK(rounded_bits(e5m2, number(57345, 0), upward) == 0x7C);
  CHECK(rounded_bits(e5m2, number(-57345, 0), upward) == 0xFB);
}

TEST_CASE("saturation gives the largest number, also for infinity, but keeps NaN") {
  for (const auto& row : mode_names) {
    const Rounding r = saturating({row.mode});
    CHECK(rounded_bits(e4m3fn, number(1000, 0), r) == 0x7E);
    CHECK(rounded_bits(e4m3fn, number(-1000, 0), r) == 0xFE);
    CHECK(rounded_bits(e5m2, number(-100'000, 0), r) == 0xFB);
    CHECK(rounded_bits(e5m2, exact_infinity<uint64_t>(false), r) == 0x7B);
    CHECK(rounded_bits(e4m3fn, exact_infinity<uint64_t>(true), r) == 0xFE);
    CHECK(rounded_bits(e4m3fn, exact_nan<uint64_t>(), r) == 0x7F);
    CHECK(rounded_bits(e5m2, exact_nan<uint64_t>(), r) == 0x7E);
  }
}

TEST_CASE("an overflow has no residue but the sign of its value") {
  const Rounded r = round_pack(e4m3fn, number(-1000, 0), nearest_even);
  CHECK(r.residue == -detail::residue_limit);
  CHECK(has(r.flags, Flag::residue_saturated));
  CHECK(has(r.flags, Flag::inexact));
}

TEST_CASE("a field of exponent bits too wide to shift still overflows") {
  // 2^1000 has exponent field 1126 in an e8 format: eleven bits where 55 trailing ones follow.
  constexpr Format wide = ieee_like(8, 55);
  const auto huge = decode<uint128>(fp64, 0x7E70000000000000);
  CHECK(round_pack(wide, huge, nearest_even).bits == infinity_bits(wide));
  CHECK(round_pack(wide, huge, toward_zero).bits == largest_finite_bits(wide));
  CHECK(has(round_pack(wide, huge, nearest_even).flags, Flag::overflow));
}

TEST_CASE("a format without normal numbers overflows at its smallest normal exponent") {
  constexpr Format e1m3 = ieee_like(1, 3);  // 0 to 7/8 x 2, then infinity and NaN
  CHECK(rounded_bits(e1m3, number(7, -2), nearest_even) == 0b0111);
  CHECK(rounded_bits(e1m3, number(2, 0), nearest_even) == infinity_bits(e1m3));
  CHECK(rounded_bits(e1m3, number(2, 0), toward_zero) == 0b0111);
  CHECK(has(round_pack(e1m3, number(2, 0), nearest_even).flags, Flag::overflow));
}

TEST_CASE("zeros keep their sign in every mode") {
  for (const auto& row : mode_names) {
    CHECK(rounded_bits(bf16, exact_zero<uint64_t>(false), {row.mode}) == 0x0000);
    CHECK(rounded_bits(bf16, exact_zero<uint64_t>(true), {row.mode}) == 0x8000);
  }
}

TEST_CASE("infinity is exact where the format has it and an overflow where not") {
  const auto infinity = exact_infinity<uint64_t>(true);
  CHECK(round_pack(bf16, infinity, toward_zero).bits == 0xFF80);
  CHECK_FALSE(has(round_pack(bf16, infinity, toward_zero).flags, Flag::overflow));
  CHECK(round_pack(e4m3fn, infinity, nearest_even).bits == 0x7F);
  CHECK(has(round_pack(e4m3fn, infinity, nearest_even).flags, Flag::overflow));
}

TEST_CASE("a format without NaN gives its largest number and says invalid") {
  constexpr Format e2m1{2, 1, 1, Infinity::absent, Nan::none};
  const Rounded r = round_pack(e2m1, exact_nan<uint64_t>(), nearest_even);
  CHECK(r.bits == 0b0111);
  CHECK(has(r.flags, Flag::invalid));
  CHECK(rounded_bits(e2m1, number(-100, 0), nearest_even) == 0b1111);
}

TEST_CASE("flags of the operation are handed on") {
  auto x = tie_above_odd;
  x.flags = Flag::carry_out;
  CHECK(has(round_pack(bf16, x, nearest_even).flags, Flag::carry_out));
  CHECK(
      has(round_pack(bf16, exact_nan<uint64_t>(Flag::invalid), nearest_even).flags, Flag::invalid));
}
