// Worked numbers, each with the units of 2^-32 ulp that it must give.
#include "ulpscope/attention/judge.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr int64_t one_ulp = residue_one_ulp;

uint32_t code(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }
Exact<uint64_t> exact(double x) { return decode<uint64_t>(fp64, bit_cast<uint64_t>(x)); }

Record judge(double result, double value, const Format& f = fp32) {
  return judged(f, code(result), exact(value), Flag::none);
}

}  // namespace

TEST_CASE("an exact result has no error and raises nothing") {
  for (const double x : {1.0, -3.5, 0.0, 0x1p-149, -0x1p127}) {
    const Record r = judge(x, x);
    CHECK(r.residue == 0);
    CHECK_FALSE(has(r.flags, Flag::inexact));
    CHECK_FALSE(has(r.flags, Flag::residue_truncated));
  }
}

TEST_CASE("half an ulp low is a residue of -2^31") {
  const Record r = judge(1 + 0x1p-23, 1 + 0x1p-23 + 0x1p-24);
  CHECK(r.residue == -one_ulp / 2);
  CHECK(has(r.flags, Flag::inexact));
  CHECK_FALSE(r.negative);
}

TEST_CASE("a negative value cut toward zero is too large by value") {
  const Record r = judge(-1.0, -(1 + 0x1p-25));
  CHECK(r.residue == one_ulp / 4);
  CHECK(r.negative);
}

TEST_CASE("the ulp is that of the larger of result and exact value") {
  // 2 - 2^-24 judged as 2: the ulp of 2 is twice that of the exact value's binade.
  CHECK(judge(2.0, 2 - 0x1p-24).residue == one_ulp / 4);
  CHECK(judge(2 - 0x1p-23, 2.0).residue == -one_ulp / 2);
}

TEST_CASE("a sum that cancelled to nothing is wrong by its own size") {
  const Record lost = judge(0.0, 1.5);
  CHECK(lost.residue == -(int64_t{3} << 54));  // 1.5 is 1.5 * 2^23 ulp
  const Record invented = judge(1.0, 0.0);
  CHECK(invented.residue == int64_t{1} << 55);
}

TEST_CASE("errors are taken in ulps of the site's format") {
  CHECK(judge(1.0, 1 + 0x1p-8, bf16).residue == -one_ulp / 2);
  CHECK(judge(1.0, 1 + 0x1p-11, fp16).residue == -one_ulp / 2);
  CHECK(judge(0x1p-24, 0x1.8p-24, fp16).residue == -one_ulp / 2);  // among the subnormals
  CHECK(judge(0x1p-150, 0x0p0, fp16).residue >= 0);
}

TEST_CASE("what lies below 2^-32 ulp is cut toward zero and flagged") {
  const double tiny = 0x1p-23 * 0x1p-40;
  const auto above =
      judged(fp32, code(1), add(exact(1), exact(tiny), Mode::nearest_even), Flag::none);
  CHECK(above.residue == 0);
  CHECK(has(above.flags, Flag::residue_truncated));
  CHECK(has(above.flags, Flag::inexact));
  // 1 ulp too large, less a bit: one unit below 2^32.
  const auto x = exact(1);
  auto sticky = x;
  sticky.sticky = true;
  CHECK(judged(fp32, code(1 + 0x1p-23), sticky, Flag::none).residue == one_ulp - 1);
  // 1 ulp too small and a bit more: cut to one ulp.
  auto higher = exact(1 + 0x1p-23);
  higher.sticky = true;
  CHECK(judged(fp32, code(1), higher, Flag::none).residue == -one_ulp);
}

TEST_CASE("an error taken afterwards says so, whatever came out") {
  CHECK(has(judge(1.0, 1.0).flags, Flag::judged));
  CHECK(has(judge(0.0, 1.0).flags, Flag::judged));
  CHECK(has(judged(fp32, gpu_nan, exact(1), Flag::none).flags, Flag::judged));
}

TEST_CASE("an infinity for a number is an overflow and has no error") {
  const Record r = judged(fp32, 0x7F80'0000, exact(0x1p128), Flag::carry_out);
  CHECK(has(r.flags, Flag::overflow));
  CHECK(has(r.flags, Flag::residue_saturated));
  CHECK(has(r.flags, Flag::carry_out));
  CHECK_FALSE(has_error(r));
}

TEST_CASE("what overflowed and was saturated has no error either") {
  const Record r = judged(e4m3fn, code(448), exact(500), Flag::overflow);
  CHECK_FALSE(has_error(r));
}

TEST_CASE("NaN and infinities that belong there are skipped without overflow") {
  const auto nan = judged(fp32, gpu_nan, exact_nan<uint64_t>(), Flag::none);
  CHECK_FALSE(has_error(nan));
  CHECK_FALSE(has(nan.flags, Flag::overflow));
  const auto infinite = judged(fp32, 0xFF80'0000, exact_infinity<uint64_t>(true), Flag::none);
  CHECK_FALSE(has_error(infinite));
  CHECK_FALSE(has(infinite.flags, Flag::overflow));
  CHECK(infinite.negative);
  CHECK_FALSE(has_error(judged(fp32, gpu_nan, exact(1), Flag::none)));
}

TEST_CASE("subnormal results say so, and underflow where they are inexact") {
  CHECK(has(judge(0x1p-140, 0x1p-140).flags, Flag::subnormal));
  CHECK_FALSE(has(judge(0x1p-140, 0x1p-140).flags, Flag::underflow));
  CHECK(has(judge(0x1p-140, 0x1.0000001p-140).flags, Flag::underflow));
  CHECK_FALSE(has(judge(0x1p-126, 0x1.8p-126).flags, Flag::subnormal));
}

TEST_CASE("wide exact values are judged as narrow ones") {
  const Exact<uint128> wide{.significand = (uint128{1} << 120) + (uint128{1} << 96),
                            .exponent = -120,
                            .kind = Kind::finite};
  CHECK(judged(fp32, code(1), wide, Flag::none).residue == -one_ulp / 2);
}
