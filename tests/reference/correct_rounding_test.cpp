#include "ulpscope/reference/correct_rounding.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/reference/arithmetic.hpp"
#include "ulpscope/reference/ladder.hpp"

#include <cfenv>
#include <cmath>
#include <limits>
#include <random>

#include "reference/heads.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Head;

namespace {

constexpr Format bfloat16{8, 7, 127};
constexpr Format binary32{8, 23, 127};
constexpr Format binary64{11, 52, 1023};
constexpr Format half{5, 10, 15};
constexpr Format e4m3{4, 3, 7, Infinity::absent, Nan::highest};
constexpr Format e2m1{2, 1, 1, Infinity::absent, Nan::none};
constexpr RowFormats row_formats{bfloat16, binary32};

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();

double value(const Format& f, uint64_t k) {
  const Rung r = rung(f, k);
  return std::ldexp(static_cast<double>(r.significand), r.exponent);
}

bool equal(double x, double y) { return bit_cast<uint64_t>(x) == bit_cast<uint64_t>(y); }

}  // namespace

TEST_CASE("every finite code rounds to itself, and every middle to its even neighbour") {
  for (const Format& f : {bfloat16, half, e4m3, e2m1, Format{5, 0, 15}}) {
    for (uint64_t k = 0; k <= top_rung(f); ++k) {
      REQUIRE(round_reference(f, value(f, k), 0) == k);
      REQUIRE(round_reference(f, -value(f, k), -0.0) == sign_code(f, true) + k);
      if (k == top_rung(f)) continue;
      const double middle = (value(f, k) + value(f, k + 1)) / 2;
      REQUIRE(round_reference(f, middle, 0) == k + k % 2);
      REQUIRE(round_reference(f, middle, 0x1p-1074) == k + 1);
      REQUIRE(round_reference(f, middle, -0x1p-1074) == k);
      REQUIRE(round_reference(f, -middle, 0x1p-1074) == sign_code(f, true) + k);
    }
  }
}

TEST_CASE("random doubles round as exact fractions do") {
  std::mt19937_64 random(31);
  const Format no_subnormals{4, 3, 7, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent};
  const Format powers{5, 0, 15, Infinity::present, Nan::minus_zero, Zero::positive};
  const Format unsigned_powers{
      8, 0, 127, Infinity::absent, Nan::highest, Zero::none, Subnormals::absent, Sign::absent};
  const Format no_signs{
      5, 2, 15, Infinity::present, Nan::highest, Zero::positive, Subnormals::present, Sign::absent};
  for (const Format& f :
       {bfloat16, half, e4m3, e2m1, binary32, no_subnormals, powers, unsigned_powers, no_signs}) {
    for (int i = 0; i < 3000; ++i) {
      const uint64_t exponent = 1023 - 160 + random() % 300;
      const double x = bit_cast<double>((random() & ~(uint64_t{0x7FF} << 52)) | exponent << 52);
      const auto judged = reference_convert(binary64, bit_cast<uint64_t>(x), f, {});
      const auto code = static_cast<uint64_t>(judged.bits);
      REQUIRE(round_reference(f, x, 0) == code);
      if (has(judged.flags, Flag::residue_saturated | Flag::residue_truncated)) continue;
      const double ulps = static_cast<double>(judged.residue) * 0x1p-32;
      REQUIRE(equal(signed_ulp_error(f, code, x, 0) + 0.0, ulps + 0.0));
    }
  }
}

TEST_CASE("hi and lo need not be normalised") {
  CHECK(round_reference(bfloat16, 0x1p-8, 1.0) == 0x3F80);
  CHECK(round_reference(bfloat16, 0x1.8p-8, 1.0) == 0x3F81);
  CHECK(round_reference(bfloat16, 1.5, -1.5) == 0);
}

TEST_CASE("beyond the ends, infinities and NaN") {
  CHECK(round_reference(bfloat16, 0x1.FFp127, 0) == 0x7F80);  // the tie above the largest
  CHECK(round_reference(bfloat16, 0x1.FFp127, -1) == 0x7F7F);
  CHECK(round_reference(bfloat16, -1e300, 0) == 0xFF80);
  CHECK(round_reference(bfloat16, -infinity, 0) == 0xFF80);
  CHECK(round_reference(bfloat16, quiet_nan, 0) == 0x7FC0);
  CHECK(round_reference(e4m3, 464, 0) == 0x7E);
  CHECK(round_reference(e4m3, 464, 1e-30) == 0x7F);
  CHECK(round_reference(e4m3, infinity, 0) == 0x7F);
  CHECK(round_reference(e2m1, -1e9, 0) == 0xF);
  CHECK(round_reference(bfloat16, -0x1p-1074, 0) == 0x8000);
}

TEST_CASE("a format that doubles cannot carry is refused") {
  CHECK_THROWS_AS(round_reference(binary64, 1, 0), Error);
  CHECK_THROWS_AS(signed_ulp_error(Format{15, 10, 16383}, 0, 1, 0), Error);
}

TEST_CASE("errors in ulps: the worked example, and an ulp just below a power of two") {
  CHECK(signed_ulp_error(bfloat16, 0xC097, -4.703990459442139, 0) ==
        doctest::Approx(-0.47230529785).epsilon(1e-9));
  CHECK(equal(signed_ulp_error(bfloat16, 0xC096, -4.703125, 0), 0.5));
  // 1 and 1 - 2^-9: the exact value decides that the ulp is 2^-8.
  CHECK(equal(signed_ulp_error(bfloat16, 0x3F80, 1 - 0x1p-9, 0), 0.5));
  CHECK(equal(signed_ulp_error(bfloat16, 0x3F81, 1, 0), 1.0));
  CHECK(equal(signed_ulp_error(bfloat16, 0x3F81, 1, -0x1p-80), 2.0));
  CHECK(equal(signed_ulp_error(bfloat16, 0xBF81, -1, 0x1p-80), -2.0));
  CHECK(equal(signed_ulp_error(bfloat16, 3, 0x1p-133, 0), 2.0));
  CHECK(equal(signed_ulp_error(bfloat16, 3, 0, 0), 3.0));
  CHECK(equal(signed_ulp_error(bfloat16, 0x7F7F, 0x1p128, 0), -0.5));
}

TEST_CASE("errors against values that are not finite") {
  CHECK(equal(signed_ulp_error(bfloat16, 0x7F80, infinity, 0), 0.0));
  CHECK(equal(signed_ulp_error(bfloat16, 0x7F80, -infinity, 0), infinity));
  CHECK(equal(signed_ulp_error(bfloat16, 0x3F80, infinity, 0), -infinity));
  CHECK(equal(signed_ulp_error(bfloat16, 0xFF80, 1, 0), -infinity));
  CHECK(std::isnan(signed_ulp_error(bfloat16, 0x7FC0, 1, 0)));
  CHECK(std::isnan(signed_ulp_error(bfloat16, 0x3F80, quiet_nan, 0)));
}

TEST_CASE("a row is the exact row rounded") {
  for (const Head& head : {test::random_head(41, 3, 50, 16, 24), test::sink_head(42, 3, 40, 16)}) {
    CorrectRow row;
    ExactRow exact;
    for (int64_t i = 0; i < head.rows; ++i) {
      correctly_rounded_attention_row(head.view(), i, row_formats, row);
      exact_attention_row(head.view(), i, exact);
      for (size_t f = 0; f < row.o.size(); ++f) {
        REQUIRE(row.o[f] == round_reference(bfloat16, exact.o[f].hi, exact.o[f].lo));
      }
      REQUIRE(row.lse == round_reference(binary32, exact.lse.hi, exact.lse.lo));
      CHECK(row.assumed_ties == 0);
    }
  }
}

TEST_CASE("a value near a tie is settled by the exact row") {
  // e^-37 = 2^-53.4: V = 1 + 2^-8 (a tie) and a neighbour that pulls by 2^-53 of its distance,
  // more than the exact error and less than the wide bound.
  for (const double pull : {4.0, -4.0}) {
    Head head = test::zero_head(1, 2, 1, 1);
    head.q = {1};
    head.k = {0, -37};
    head.v = {1 + 0x1p-8, pull};
    CorrectRow row;
    correctly_rounded_attention_row(head.view(), 0, row_formats, row);
    CHECK(row.o[0] == (pull > 0 ? 0x3F81 : 0x3F80));
    CHECK(row.recomputed == 2);  // the LSE is 2^-53.4 too, and the wide one 0
    CHECK(row.assumed_ties == 0);
  }
}

TEST_CASE("scores too large for the wide bound go to the exact row") {
  Head head = test::random_head(45, 1, 5, 4, 3);
  head.scale = 0x1p45;
  CorrectRow row;
  ExactRow exact;
  correctly_rounded_attention_row(head.view(), 0, {e4m3, binary32}, row);
  exact_attention_row(head.view(), 0, exact);
  CHECK(row.recomputed == 4);
  CHECK(row.o[0] == round_reference(e4m3, exact.o[0].hi, exact.o[0].lo));
}

TEST_CASE("ties and zeros of symmetric inputs are seen as such") {
  // Two pairs of equal scores: the weights are transcendental, the means are not.
  Head head = test::zero_head(1, 4, 1, 3);
  head.q = {1};
  head.k = {0.3, -1.7, 0.3, -1.7};
  head.v = {1, 3, 2, 1, 3, 2, 1 + 0x1p-7, -3, 2 + 0x1p-6, 1 + 0x1p-7, -3, 2 + 0x1p-6};
  CorrectRow row;
  correctly_rounded_attention_row(head.view(), 0, row_formats, row);
  CHECK(row.o[0] == 0x3F80);  // 1 + 2^-8
  CHECK(row.o[1] == 0);       // 3 - 3, not a small number, not -0
  CHECK(row.o[2] == 0x4000);  // 2 + 2^-7
  CHECK(row.recomputed == 3);
  CHECK(row.assumed_ties == 3);
}

TEST_CASE("rows without keys and rows with NaN have their codes") {
  Head head = test::random_head(43, 2, 4, 8, 3);
  head.visible = causal_keys(4, -1);
  CorrectRow row;
  correctly_rounded_attention_row(head.view(), 0, row_formats, row);
  CHECK(row.o == std::vector<uint64_t>{0, 0, 0});
  CHECK(row.lse == 0x7F800000);
  CHECK(row.recomputed == 0);
  head.visible = {};
  head.v[4] = infinity;
  correctly_rounded_attention_row(head.view(), 1, row_formats, row);
  CHECK(row.o[1] == 0x7F80);
  CHECK(row.recomputed == 0);
  head.k[9] = quiet_nan;
  correctly_rounded_attention_row(head.view(), 1, row_formats, row);
  CHECK(row.o == std::vector<uint64_t>{0x7FC0, 0x7FC0, 0x7FC0});
  CHECK(row.lse == 0x7FC00000);
}

TEST_CASE("the host's rounding direction does not reach a row or a code") {
  const Head head = test::random_head(44, 1, 90, 24, 16);
  CorrectRow nearest;
  correctly_rounded_attention_row(head.view(), 0, row_formats, nearest);
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    CorrectRow row;
    std::fesetround(direction);
    correctly_rounded_attention_row(head.view(), 0, row_formats, row);
    const uint64_t code = round_reference(bfloat16, 1.0, 0x1p-8);
    const double error = signed_ulp_error(bfloat16, 0x3F80, 1.0, 0x1p-60);
    std::fesetround(FE_TONEAREST);
    CHECK(row.o == nearest.o);
    CHECK(row.lse == nearest.lse);
    CHECK(code == 0x3F80);
    CHECK(equal(error, -0x1p-53));
  }
}
