#include "ulpscope/reference/wide_attention.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/reference/exact_attention.hpp"

#include <cfenv>
#include <cmath>
#include <limits>

#include "reference/heads.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Head;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

bool same_row(const WideRow& a, const WideRow& b) {
  bool same = bits_of(a.lse) == bits_of(b.lse) && a.o.size() == b.o.size();
  for (size_t f = 0; same && f < a.o.size(); ++f) same = bits_of(a.o[f]) == bits_of(b.o[f]);
  return same;
}

// The largest error over its bound, of the rows of a head; below 1 if the bound holds.
double share_of_bound(const Head& head) {
  const ReferenceHead view = head.view();
  WideRow wide;
  WideBound bound;
  ExactRow exact;
  double worst = 0;
  for (int64_t row = 0; row < head.rows; ++row) {
    wide_attention_row(view, row, wide);
    wide_error_bound(view, row, wide, bound);
    exact_attention_row(view, row, exact);
    for (size_t f = 0; f < wide.o.size(); ++f) {
      const double error = std::abs((wide.o[f] - exact.o[f].hi) - exact.o[f].lo);
      REQUIRE(std::isfinite(bound.o[f]));
      REQUIRE(error <= bound.o[f]);
      if (bound.o[f] > 0) worst = std::max(worst, error / bound.o[f]);
    }
    const double error = std::abs((wide.lse - exact.lse.hi) - exact.lse.lo);
    REQUIRE(error <= bound.lse);
    worst = std::max(worst, error / bound.lse);
  }
  return worst;
}

}  // namespace

TEST_CASE("equal scores give the mean of V and log of the number of keys") {
  Head head = test::zero_head(1, 8, 4, 2);
  for (size_t j = 0; j < 8; ++j) {
    head.v[2 * j] = static_cast<double>(j);  // mean 3.5
    head.v[2 * j + 1] = -0.25;
  }
  WideRow row;
  wide_attention_row(head.view(), 0, row);
  CHECK(bits_of(row.o[0]) == bits_of(3.5));
  CHECK(bits_of(row.o[1]) == bits_of(-0.25));
  CHECK(std::abs(row.lse - std::log(8.0)) < 1e-15);
}

TEST_CASE("one visible key gives its V and its score") {
  Head head = test::random_head(5, 3, 3, 12, 5);
  head.visible = causal_keys(3, 0);
  WideRow row;
  wide_attention_row(head.view(), 0, row);
  double score = 0;
  for (size_t k = 0; k < 12; ++k) score += head.q[k] * head.k[k];  // exact: few bits
  CHECK(bits_of(row.lse) == bits_of(score * head.scale));
  for (size_t f = 0; f < 5; ++f) CHECK(bits_of(row.o[f]) == bits_of(head.v[f]));
}

TEST_CASE("far keys vanish and weights are powers of e") {
  Head head = test::zero_head(1, 3, 1, 1);
  head.q = {1};
  head.k = {0, -1, -2000};
  head.v = {1, 0, 1e9};
  WideRow row;
  wide_attention_row(head.view(), 0, row);
  CHECK(std::abs(row.o[0] - 1 / (1 + std::exp(-1.0))) < 1e-15);
  CHECK(row.weights[2] <= 0);
}

TEST_CASE("a row without visible keys is zero with an infinite LSE") {
  Head head = test::random_head(6, 4, 2, 8, 3);
  head.visible = causal_keys(2, 2 - 4);  // aligned bottom-right: rows 0 and 1 see nothing
  WideRow row;
  WideBound bound;
  wide_attention_row(head.view(), 1, row);
  wide_error_bound(head.view(), 1, row, bound);
  for (const double o : row.o) CHECK(bits_of(o) == 0);
  CHECK(bits_of(row.lse) == bits_of(infinity));
  CHECK(bound.lse <= 0);
  wide_attention_row(head.view(), 2, row);
  CHECK(row.keys.last == 1);
}

TEST_CASE("masked keys have no influence, whatever they hold") {
  Head head = test::random_head(7, 4, 6, 9, 7);
  head.visible = [](int64_t) { return KeyRange{1, 4}; };
  WideRow clean;
  WideRow poisoned;
  wide_attention_row(head.view(), 2, clean);
  for (size_t f = 0; f < 7; ++f) head.v[f] = quiet_nan;
  for (size_t k = 4 * 9; k < 6 * 9; ++k) head.k[k] = infinity;
  wide_attention_row(head.view(), 2, poisoned);
  CHECK(same_row(clean, poisoned));
}

TEST_CASE("a mask outside the keys is refused") {
  Head head = test::random_head(8, 2, 3, 4, 4);
  head.visible = [](int64_t) { return KeyRange{0, 4}; };
  WideRow row;
  CHECK_THROWS_WITH_AS(wide_attention_row(head.view(), 1, row),
                       "mask: row 1 sees keys [0, 4), expected a range within [0, 3)", Error);
}

TEST_CASE("NaN and infinities go where the arithmetic takes them") {
  Head head = test::random_head(9, 1, 70, 8, 3);
  WideRow row;
  head.v[3 * 65 + 1] = infinity;
  wide_attention_row(head.view(), 0, row);
  CHECK(std::isfinite(row.o[0]));
  CHECK(bits_of(row.o[1]) == bits_of(infinity));
  CHECK(std::isfinite(row.lse));
  head.k[8 * 65] = quiet_nan;
  wide_attention_row(head.view(), 0, row);
  for (const double o : row.o) CHECK(std::isnan(o));
  CHECK(std::isnan(row.lse));
}

TEST_CASE("the host's rounding direction and earlier rows leave no trace") {
  const Head head = test::random_head(10, 4, 200, 33, 21, 2.0);
  WideRow fresh;
  WideRow used;
  WideBound bound;
  wide_attention_row(head.view(), 3, fresh);
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(direction);
    wide_attention_row(head.view(), 1, used);
    wide_error_bound(head.view(), 1, used, bound);
    wide_attention_row(head.view(), 3, used);
    std::fesetround(FE_TONEAREST);
    CHECK(same_row(fresh, used));
  }
}

TEST_CASE("the sums have the shape that the header states") {
  // Lanes: 2^60 + 1 - 2^60 over the features of one lane loses the 1; in two lanes it does not.
  Head head = test::zero_head(2, 1, 16, 1);
  head.k.assign(16, 1.0);
  head.q[0] = 0x1p60;
  head.q[8] = 1;        // the same lane: lost
  head.q[4] = -0x1p60;  // joined first with lane 0
  head.q[16 + 0] = 0x1p60;
  head.q[16 + 2] = 1;  // joined after lanes 0 and 4 have cancelled: kept
  head.q[16 + 4] = -0x1p60;
  WideRow row;
  wide_attention_row(head.view(), 0, row);
  CHECK(bits_of(row.lse) == 0);
  wide_attention_row(head.view(), 1, row);
  CHECK(bits_of(row.lse) == bits_of(1.0));
  // Blocks of 64 keys: key 64 meets key 127 before the 2^60 of key 0. In one chain 128 would be
  // lost at once and 256 be left; the block's 384 becomes 512, the ulp at 2^60 being 256.
  Head blocks = test::zero_head(1, 128, 1, 2);
  blocks.v[0] = blocks.v[1] = 0x1p60;
  blocks.v[2 * 63] = 128;
  blocks.v[2 * 127] = 256;
  blocks.v[2 * 64 + 1] = 128;
  blocks.v[2 * 127 + 1] = 256;
  wide_attention_row(blocks.view(), 0, row);
  CHECK(bits_of(row.o[0]) == bits_of((0x1p60 + 256) / 128));
  CHECK(bits_of(row.o[1]) == bits_of((0x1p60 + 512) / 128));
}

TEST_CASE("wide lies within its bound of exact on random, sink and large-score heads") {
  double worst = 0;
  worst = std::max(worst, share_of_bound(test::random_head(11, 3, 100, 64, 16)));
  worst = std::max(worst, share_of_bound(test::random_head(12, 2, 64, 7, 5)));
  worst = std::max(worst, share_of_bound(test::sink_head(13, 3, 96, 32)));
  worst = std::max(worst, share_of_bound(test::random_head(14, 3, 80, 128, 8, 30.0)));
  Head uneven = test::random_head(15, 3, 65, 24, 9);
  std::mt19937_64 random(16);
  for (double& x : uneven.q) x = std::ldexp(x, static_cast<int>(random() % 40) - 36);
  for (double& x : uneven.v) x = std::ldexp(x, static_cast<int>(random() % 200) - 100);
  uneven.scale = 0.123456789;
  worst = std::max(worst, share_of_bound(uneven));
  // Full 53-bit operands whose products nearly cancel: the rounding of the scores is the error.
  Head rounded = test::random_head(18, 8, 3, 24, 4);
  std::normal_distribution<double> normal;
  for (double& x : rounded.q) x = 1e4 * normal(random);
  for (double& x : rounded.k) x = normal(random);
  for (size_t i = 0; i < 8 * 24; ++i) rounded.q[i] = rounded.q[i - i % 24 + i % 12];
  for (size_t i = 0; i < 3 * 24; ++i) {
    if (i % 24 >= 12) rounded.k[i] = -rounded.k[i - 12] * (1 + 0x1p-20);
  }
  const double scores_share = share_of_bound(rounded);
  CHECK(scores_share > 0.03);
  worst = std::max(worst, scores_share);
  INFO("largest error of wide attention as a share of its bound: " << worst);
  CHECK(worst > 0);
}

TEST_CASE("terms of the score stay within the bound too") {
  const Head plain = test::random_head(21, 3, 70, 24, 5, 2.0);
  CHECK(share_of_bound(test::with_terms(plain, 2.5, 0, 0)) > 0);
  CHECK(share_of_bound(test::with_terms(plain, 1e-3, 0, 0)) > 0);
  CHECK(share_of_bound(test::with_terms(plain, 1e6, 0, 0)) > 0);
  CHECK(share_of_bound(test::with_terms(plain, 0, 0.7071, 0)) > 0);
  CHECK(share_of_bound(test::with_terms(plain, 0, 0, 22)) > 0);
  CHECK(share_of_bound(test::with_terms(plain, 5, 0.0625, 23)) > 0);
}

TEST_CASE("a cap far above the scores leaves them, and one far below makes them equal") {
  const Head head = test::random_head(24, 1, 9, 8, 3);
  WideRow plain;
  WideRow capped;
  wide_attention_row(head.view(), 0, plain);
  wide_attention_row(test::with_terms(head, 0x1p40, 0, 0).view(), 0, capped);
  for (size_t f = 0; f < 3; ++f) CHECK(std::abs(plain.o[f] - capped.o[f]) < 1e-14);
  wide_attention_row(test::with_terms(head, 0x1p-40, 0, 0).view(), 0, capped);
  CHECK(std::abs(capped.lse - std::log(9.0)) < 1e-11);
}

TEST_CASE("a slope takes off the distance from the diagonal, before it and after it") {
  Head head = test::with_terms(test::zero_head(2, 4, 1, 1), 0, 0.5, 0);  // row 0 meets key 2
  WideRow row;
  wide_attention_row(head.view(), 0, row);
  CHECK(row.scores == std::vector<double>{-1, -0.5, 0, -0.5});
  wide_attention_row(head.view(), 1, row);
  CHECK(row.scores == std::vector<double>{-1.5, -1, -0.5, 0});
}

TEST_CASE("a bias of minus infinity hides a key as a mask does, and a row that it hides is empty") {
  Head masked = test::random_head(25, 3, 6, 4, 2);
  Head hidden = masked;
  masked.visible = [](int64_t row) { return KeyRange{0, row == 1 ? 0 : 4}; };
  hidden.terms.bias = [](int64_t row, int64_t key) {
    return row == 1 || key >= 4 ? -infinity : 0.0;
  };
  WideRow a;
  WideRow b;
  WideBound bound;
  ExactRow exact;
  for (int64_t row = 0; row < 3; ++row) {
    wide_attention_row(masked.view(), row, a);
    wide_attention_row(hidden.view(), row, b);
    CHECK(same_row(a, b));
    wide_error_bound(hidden.view(), row, b, bound);
    CHECK(bound.lse < 1e-14);
    exact_attention_row(hidden.view(), row, exact);
    CHECK((row == 1 ? std::isinf(exact.lse.hi) : std::abs(exact.lse.hi - b.lse) <= bound.lse));
  }
}

TEST_CASE("a feature of zeros has no error, and scores beyond the argument no bound") {
  Head head = test::random_head(17, 1, 20, 8, 2);
  for (size_t j = 0; j < 20; ++j) head.v[2 * j] = 0;
  WideRow row;
  WideBound bound;
  wide_attention_row(head.view(), 0, row);
  wide_error_bound(head.view(), 0, row, bound);
  CHECK(bits_of(row.o[0]) == 0);
  CHECK(bits_of(bound.o[0]) == 0);
  CHECK(bound.o[1] > 0);
  CHECK(bound.o[1] < 1e-12);
  head.scale = 0x1p45;
  wide_attention_row(head.view(), 0, row);
  wide_error_bound(head.view(), 0, row, bound);
  CHECK(bits_of(bound.o[1]) == bits_of(infinity));
}
