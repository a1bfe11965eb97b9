// The switches of formats and the axes of roundings, one by one, on values worked out by hand.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/reference/arithmetic.hpp"

#include <limits>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ReferenceResult result(double x, const Format& to, const Policy& policy = {},
                       Mode mode = Mode::nearest_even) {
  return reference_convert(fp64, bit_cast<uint64_t>(x), to, {mode, policy});
}
uint64_t bits(double x, const Format& to, const Policy& policy = {},
              Mode mode = Mode::nearest_even) {
  return static_cast<uint64_t>(result(x, to, policy, mode).bits);
}
Flag flags(double x, const Format& to, const Policy& policy = {}, Mode mode = Mode::nearest_even) {
  return result(x, to, policy, mode).flags;
}
uint64_t nan_bits_of(const Format& from, uint64_t nan, const Format& to, NanRule rule) {
  const Rounding rounding{Mode::nearest_even, {Overflow::standard, rule}};
  return static_cast<uint64_t>(reference_convert(from, nan, to, rounding).bits);
}

constexpr Flag refused = Flag::invalid | Flag::inexact | Flag::residue_saturated;

}  // namespace

TEST_CASE("a number above the largest becomes what the policy says") {
  struct Row {
    Overflow overflow;
    uint64_t e5m2_up, e5m2_down, e4m3fn_up, e2m1fn_up;  // 10^9, in mode ru and in mode rd
  };
  const Row rows[] = {{Overflow::standard, 0x7C, 0x7B, 0x7F, 0x7},
                      {Overflow::infinity, 0x7C, 0x7C, 0x7F, 0x7},
                      {Overflow::nan, 0x7E, 0x7E, 0x7F, 0x7},
                      {Overflow::saturate_finite, 0x7B, 0x7B, 0x7E, 0x7},
                      {Overflow::saturate, 0x7B, 0x7B, 0x7E, 0x7}};
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.overflow));
    CHECK(bits(1e9, e5m2, {row.overflow}, Mode::up) == row.e5m2_up);
    CHECK(bits(1e9, e5m2, {row.overflow}, Mode::down) == row.e5m2_down);
    CHECK(bits(1e9, e4m3fn, {row.overflow}, Mode::up) == row.e4m3fn_up);
    CHECK(bits(1e9, e2m1fn, {row.overflow}, Mode::up) == row.e2m1fn_up);
    CHECK(flags(-1e9, e5m2, {row.overflow}) ==
          (Flag::overflow | Flag::inexact | Flag::residue_saturated));
    CHECK(result(-1e9, e5m2, {row.overflow}).residue < 0);
  }
}

TEST_CASE("an infinity that arrives stays one unless all values saturate") {
  for (const Overflow overflow :
       {Overflow::standard, Overflow::infinity, Overflow::nan, Overflow::saturate_finite}) {
    CHECK(bits(-infinity, e5m2, {overflow}) == 0xFC);
    CHECK(flags(-infinity, e5m2, {overflow}) == Flag::residue_saturated);
  }
  CHECK(bits(-infinity, e5m2, {Overflow::saturate}) == 0xFB);
  CHECK(bits(infinity, e4m3fn, {Overflow::infinity}) == 0x7F);
  CHECK(bits(-infinity, e4m3fn, {Overflow::saturate_finite}) == 0xFE);
  CHECK(has(flags(infinity, e4m3fn, {Overflow::saturate_finite}), Flag::overflow));
}

TEST_CASE("to odd overflows to infinity where infinity has the odd code") {
  const Format odd_infinity = format_named("binary8p3se");   // largest 0x7E, infinity 0x7F
  const Format even_infinity = format_named("binary8p3ue");  // 0xFD and 0xFE
  CHECK(bits(1e30, odd_infinity, {}, Mode::to_odd) == 0x7F);
  CHECK(bits(1e30, even_infinity, {}, Mode::to_odd) == 0xFD);
  CHECK(bits(1e30, e5m2, {}, Mode::to_odd) == 0x7B);
  CHECK(bits(1e30, e4m3fn, {}, Mode::to_odd) == 0x7E);  // no infinity, and 0x7F is NaN
}

TEST_CASE("P3109: the midpoint above the largest number goes to the even code") {
  // binary8p3se: the largest is 0x7E = 1.5 x 2^15, the next would be 1.75 x 2^15.
  CHECK(bits(1.625 * 0x1p15, format_named("binary8p3se")) == 0x7E);
  CHECK(bits(1.6251 * 0x1p15, format_named("binary8p3se")) == 0x7F);
  // binary8p3ue: the largest is 0xFD = 1.25 x 2^31.
  CHECK(bits(1.375 * 0x1p31, format_named("binary8p3ue")) == 0xFE);
}

TEST_CASE("one zero has one code, from either side") {
  CHECK(bits(-0.0, e4m3fnuz) == 0);
  CHECK(bits(-1e-9, e4m3fnuz) == 0);
  CHECK(bits(-1e-9, e4m3fn) == 0x80);
  CHECK(result(-1e-9, e4m3fnuz).residue > 0);
  CHECK(bits(0.0 / -infinity, format_named("binary8p3se")) == 0);
}

TEST_CASE("a format without signs refuses negative results") {
  const Format f = format_named("binary8p3ue");
  CHECK(bits(-1.0, f) == 0);
  CHECK(flags(-1.0, f) == refused);
  CHECK(bits(-1.0, f, {Overflow::nan}) == 0xFF);
  CHECK(bits(-infinity, f, {Overflow::saturate}) == 0);
  CHECK(flags(-0.0, f) == Flag::none);
  // What rounds to zero is a zero; what rounds away from it is negative.
  CHECK_FALSE(has(flags(-0x1p-60, f), Flag::invalid));
  CHECK(has(flags(-0x1p-60, f, {}, Mode::down), Flag::invalid));
}

TEST_CASE("a format without zero takes its smallest number for less, and NaN for zero and less") {
  CHECK(bits(0x1p-127, e8m0fnu) == 0x00);
  CHECK(bits(0x1p-140, e8m0fnu) == 0x00);
  CHECK(bits(0x1p-140, e8m0fnu, {}, Mode::toward_zero) == 0x00);
  CHECK(has(flags(0x1p-140, e8m0fnu), Flag::underflow_after | Flag::away));
  CHECK(bits(0.0, e8m0fnu) == 0xFF);
  CHECK(flags(0.0, e8m0fnu) == refused);
  CHECK(bits(0.0, e8m0fnu, {Overflow::saturate}) == 0x00);
  CHECK(bits(-1.0, e8m0fnu) == 0xFF);
  CHECK(bits(-1.0, e8m0fnu, {Overflow::saturate}) == 0x00);
  // 2^-127 - 2^-126 is the negative of the smallest number.
  const auto difference = reference_operation(e8m0fnu, Operation::sub, 0, 1, 0, nearest_even);
  CHECK(difference == ReferenceResult{0xFF, result(0.0, e8m0fnu).residue, refused});
}

TEST_CASE("ties of powers of two go to the even code") {
  CHECK(bits(1.5, e8m0fnu) == 0x80);   // 127 or 128
  CHECK(bits(3.0, e8m0fnu) == 0x80);   // 128 or 129
  CHECK(bits(0.75, e8m0fnu) == 0x7E);  // 126 or 127
  CHECK(bits(1.5 * 0x1p-127, e8m0fnu) == 0x00);
  CHECK(bits(1.5 * 0x1p127, e8m0fnu) == 0xFE);
  const Format p1 = format_named("binary5p1se");  // bias 8: 1 is the code 8
  CHECK(bits(1.5, p1) == 8);
  CHECK(bits(3.0, p1) == 10);
}

TEST_CASE("without subnormals numbers step from zero to the smallest normal one") {
  const Format f{4, 3, 7, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent};
  CHECK(bits(0x1.4p-7, f) == 0x08);  // 2^-6 is nearer than 0
  CHECK(bits(0x1p-7, f) == 0x00);
  CHECK(bits(0x1p-7, f, {}, Mode::to_odd) == 0x08);
  CHECK(result(0x1p-7, f).residue == -(int64_t{1} << 31));  // half of the step 2^-6
  CHECK_FALSE(has(flags(0x1.4p-7, f), Flag::round_carry));
  // The codes between are zeros.
  CHECK(reference_convert(f, 0x85, fp32, nearest_even).bits == 0x8000'0000);
}

TEST_CASE("flushing takes subnormal operands for zeros of their sign") {
  const Policy daz{Overflow::standard, NanRule::canonical, Flush::inputs};
  const auto quotient = [&](const Policy& policy) {
    return reference_operation(e5m2, Operation::div, 0x3C, 0x81, 0, {Mode::nearest_even, policy});
  };
  CHECK(quotient(daz).bits == 0xFC);
  CHECK(has(quotient(daz).flags, Flag::divide_by_zero));
  CHECK(has(quotient({}).flags, Flag::overflow));
  CHECK(bits(0x1p-16, e5m2, daz) == 0x01);  // a subnormal result stays
}

TEST_CASE("flushing makes zero of what stays below the normal numbers when finely rounded") {
  const Policy ftz{Overflow::standard, NanRule::canonical, Flush::outputs};
  const Flag lost = Flag::inexact | Flag::underflow | Flag::underflow_after;
  CHECK(result(-0x1p-16, e5m2, ftz) == ReferenceResult{0x80, int64_t{1} << 32, lost});
  CHECK(bits(0x1p-14, e5m2, ftz) == 0x04);
  // Steps of 2^-16 round 2^-14 (1 - 1/8) up, and those of 2^-17 do not.
  CHECK(bits(0x1.cp-15, e5m2) == 0x04);
  CHECK(bits(0x1.cp-15, e5m2, ftz) == 0x00);
  CHECK(result(0x1.cp-15, e5m2, ftz).residue == -(int64_t{7} << 31));
  CHECK(bits(0x1.fp-15, e5m2, ftz) == 0x04);
  CHECK(has(flags(0x1.cp-15, e5m2), Flag::underflow_after));
  CHECK_FALSE(has(flags(0x1.fp-15, e5m2), Flag::underflow_after));
  CHECK(has(flags(0x1.fp-15, e5m2), Flag::underflow));
}

TEST_CASE("with one bit the rung below the smallest number is even") {
  // binary5p1se: the smallest is 2^-7, the code 1; a finer 2^-8 would be its code 0.
  const Format p1 = format_named("binary5p1se");
  CHECK(bits(0x1.8p-8, p1) == 1);
  CHECK(has(flags(0x1.8p-8, p1), Flag::underflow_after));
  CHECK_FALSE(has(flags(0x1.9p-8, p1), Flag::underflow_after));
  CHECK_FALSE(has(flags(0x1.8p-8, p1), Flag::round_carry));
  CHECK(has(flags(0x1.fp-7, p1), Flag::round_carry));
}

TEST_CASE("NaN is canonical, all ones, or the first operand's cut to what fits") {
  CHECK(nan_bits_of(fp32, 0xFFE12345, bf16, NanRule::canonical) == 0x7FC0);
  CHECK(nan_bits_of(fp32, 0xFFE12345, bf16, NanRule::all_ones) == 0x7FFF);
  CHECK(nan_bits_of(fp32, 0xFFE12345, bf16, NanRule::propagate) == 0xFFE1);
  CHECK(nan_bits_of(bf16, 0xFFE1, fp32, NanRule::propagate) == 0xFFE10000);
  CHECK(nan_bits_of(fp32, 0x7F800001, bf16, NanRule::propagate) == 0x7FC0);  // made quiet
  CHECK(nan_bits_of(bf16, 0xFFE1, e4m3fn, NanRule::propagate) == 0xFF);
  CHECK(nan_bits_of(bf16, 0xFFE1, e4m3fn, NanRule::all_ones) == 0x7F);
  CHECK(nan_bits_of(bf16, 0xFFE1, e4m3fnuz, NanRule::all_ones) == 0x80);
  CHECK(nan_bits_of(e4m3fnuz, 0x80, bf16, NanRule::propagate) == 0x7FC0);
  CHECK(nan_bits_of(bf16, 0xFFE1, e2m1fn, NanRule::propagate) == 0x7);
  CHECK(nan_bits_of(bf16, 0xFFE1, Format{3, 0, 3}, NanRule::all_ones) == 0x7);  // its infinity
  const Rounding hand_on{Mode::nearest_even, {Overflow::standard, NanRule::propagate}};
  CHECK(reference_operation(bf16, Operation::sub, 0x3F80, 0xFFC3, 0, hand_on).bits == 0xFFC3);
  CHECK(reference_operation(bf16, Operation::fma, 0x7F80, 0, 0xFFC3, hand_on).bits == 0x7FC0);
}

TEST_CASE("a signalling NaN is invalid, in the formats that have one") {
  const auto raises = [](const Format& f, uint64_t nan) {
    return has(reference_operation(f, Operation::add, nan, 0, 0, nearest_even).flags,
               Flag::invalid);
  };
  CHECK(raises(bf16, 0x7F81));
  CHECK_FALSE(raises(bf16, 0x7FC1));
  CHECK(raises(e5m2, 0xFD));
  CHECK_FALSE(raises(e4m3fn, 0x7F));
  CHECK_FALSE(raises(e4m3fnuz, 0x80));
  const Format no_infinity{4, 3, 7, Infinity::absent, Nan::ieee};
  CHECK(raises(no_infinity, 0x78));  // the code that would be infinity
}

TEST_CASE("a broken tie is within a sixteenth of half way, and not it") {
  const double half = 0x1p-8;  // of a step of bf16 at 1
  const auto broken = [&](double part) {
    return has(flags(1 + 2 * half * part, bf16), Flag::broken_tie);
  };
  CHECK_FALSE(broken(0.5));
  CHECK(has(flags(1 + half, bf16), Flag::tie));
  CHECK(broken(0.4375));
  CHECK_FALSE(broken(0.4375 - 0x1p-40));
  CHECK(broken(0.5625));
  CHECK_FALSE(broken(0.5625 + 0x1p-40));
  CHECK(broken(0.5 - 0x1p-40));
}

TEST_CASE("carries: of a sum into the next binade, and of a rounding") {
  const auto sum = [](uint64_t a, uint64_t b) {
    return reference_operation(bf16, Operation::add, a, b, 0, nearest_even).flags;
  };
  CHECK(has(sum(0x3FC0, 0x3F40), Flag::carry_out));        // 1.5 + 0.75
  CHECK_FALSE(has(sum(0x4000, 0x3F40), Flag::carry_out));  // 2 + 0.75
  CHECK_FALSE(has(sum(0x3FC0, 0xBF40), Flag::carry_out));
  CHECK(has(flags(2 - 0x1p-20, bf16), Flag::round_carry));
  CHECK_FALSE(has(flags(2 - 0x1p-20, bf16, {}, Mode::down), Flag::round_carry));
  CHECK(has(flags(0x1p-126 - 0x1p-140, bf16), Flag::round_carry));  // out of the subnormals
}

TEST_CASE("a draw goes up as often as its variant says") {
  // 1 + 5/16 of a step of e2m1fn at 1, which is 0.5.
  const ReferenceCase x{
      e2m1fn, std::nullopt, {{{fp64, bit_cast<uint64_t>(1 + 0.5 * 5 / 16)}, {}, {}}}};
  const auto times_up = [&](Variant variant, int n) {
    std::vector<uint64_t> draws(size_t{1} << n);
    for (size_t i = 0; i < draws.size(); ++i) draws[i] = i;
    std::vector<ReferenceResult> results(draws.size());
    reference_results(x, {variant, n, {}}, draws, results);
    int count = 0;
    for (const auto& r : results) count += r.bits == 3 ? 1 : 0;
    return count;
  };
  CHECK(times_up(Variant::a, 2) == 1);  // 5/4 of a quarter
  CHECK(times_up(Variant::b, 2) == 1);
  CHECK(times_up(Variant::a, 3) == 2);  // 5/2 of an eighth
  CHECK(times_up(Variant::b, 3) == 3);
  CHECK(times_up(Variant::c, 3) == 2);
  CHECK(times_up(Variant::a, 4) == 5);
  CHECK(times_up(Variant::c, 8) == 80);
  const Stochastic exact{};
  const uint64_t threshold = uint64_t{11} << 60;  // 1 - 5/16 of 2^64
  CHECK(reference_result(x, exact, threshold).bits == 3);
  CHECK(reference_result(x, exact, threshold - 1).bits == 2);
}

TEST_CASE("codes of 80 bits: 64 significant bits, and an exponent of 16") {
  const Format f{16, 63, 32767};
  const uint128 one = uint128{32767} << 63;
  const auto sum = reference_operation(f, Operation::add, one, one + 1, 0, nearest_even);
  CHECK(sum.bits == (uint128{32768} << 63));  // 2 + 2^-63 is a tie
  CHECK(sum.flags == (Flag::inexact | Flag::tie | Flag::carry_out));
  CHECK(sum.residue == -(int64_t{1} << 31));
  const auto product = reference_operation(f, Operation::mul, one + 1, one + 1, 0, upward);
  CHECK(product.bits == one + 3);  // 1 + 2^-62 + 2^-126
  const auto root = reference_operation(f, Operation::sqrt, one + 2, 0, 0, toward_zero);
  CHECK(root.bits == one);  // a little below 1 + 2^-63
}
