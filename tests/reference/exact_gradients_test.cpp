#include "ulpscope/reference/exact_gradients.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/reference/wide_gradient_bounds.hpp"

#include <cmath>
#include <limits>

#include "reference/judged_gradients.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Backward;
using test::Judge;
using test::with_dout;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

double distance(const TwoDoubles& x, const Judge& y) { return test::distance(x.hi, x.lo, y); }

struct Answers {
  std::vector<ExactGradientRow> rows;
  std::vector<ExactKeyGradients> keys;
};

std::vector<ExactRowSummary> summaries(const std::vector<ExactGradientRow>& rows) {
  std::vector<ExactRowSummary> result;
  for (const ExactGradientRow& row : rows) result.push_back(row.summary);
  return result;
}

Answers answers(const Backward& x) {
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  Answers out;
  for (int64_t i = 0; i < head.rows; ++i) {
    exact_gradient_row(gradient, i, out.rows.emplace_back());
  }
  const std::vector<ExactRowSummary> rows = summaries(out.rows);
  for (int64_t j = 0; j < head.keys; ++j) {
    exact_key_gradients(gradient, rows, j, out.keys.emplace_back());
  }
  return out;
}

// sum_i dO_i . O_i, the function whose gradients they are.
Judge loss(const test::Head& head, const test::Operands& x) {
  Judge sum = 0;
  for (int64_t row = 0; row < head.rows; ++row) {
    const int64_t first = visible_keys(head.view(), row).first;
    const std::vector<Judge> p = test::judged_weights(head, x, row);
    for (size_t n = 0; n < p.size(); ++n) {
      const auto at = static_cast<size_t>(first) + n;
      sum += p[n] * test::judged_dot(&x.dout[static_cast<size_t>(row * head.dim_v)],
                                     &x.v[at * static_cast<size_t>(head.dim_v)], head.dim_v);
    }
  }
  return sum;
}

constexpr double step = 0x1p-60;

Judge central_difference(const test::Head& head, test::Operands& x, Judge& moved) {
  const Judge centre = moved;
  moved = centre + Judge(step);
  const Judge above = loss(head, x);
  moved = centre - Judge(step);
  const Judge below = loss(head, x);
  moved = centre;
  return (above - below) / Judge(2 * step);
}

// Central differences differ from the derivative by at most h^2/6 max |L'''|. Along one element of
// q or k the scores move by X_j, |X_j| <= |scale| 4 = 1/2 if no operand is above 4, so their range
// is R <= 1; with Y_j = dO . V_j of range R_Y <= 2 dim_v 16 = 64, L''' of a row is the joint
// cumulant E[x x x y] - 3 E[x x] E[x y] of the centred X and Y: at most 4 R^3 R_Y = 256, for at
// most 4 rows 1024. h = 2^-60: 2^-120 x 1024 / 6 < 2^-112. In v the loss is linear. The rounding of
// 480 bits, divided by h, is below 2^-400.
constexpr double truncation = 0x1p-112;

// A soft cap C >= 1 bends the score: |s'| <= |x'| <= 1/2, |s''| <= x'^2 0.77 / C < 0.2, |s'''| <=
// |x'|^3 2 / C^2 <= 1/4. L''' gains 3 D^2 L[s', s''] + D L[s'''], at most 3 R 0.4 R_Y + 0.5 R_Y <
// 256 of a row: the truncation doubles at most. Slopes and bias are constants.
constexpr double truncation_of_capped = 0x1p-111;

void check_differences(const Backward& x) {
  REQUIRE((x.head.terms.cap >= 1 || !(x.head.terms.cap > 0)));
  REQUIRE(x.head.rows <= 4);
  REQUIRE(x.head.dim_v <= 2);
  for (const auto* values : {&x.head.q, &x.head.k, &x.head.v, &x.dout}) {
    for (const double value : *values) REQUIRE(std::abs(value) <= 4);
  }
  const Answers exact = answers(x);
  test::Operands moved(x);
  int checked = 0;
  const auto check = [&](const TwoDoubles& gradient, Judge& operand) {
    const double error = distance(gradient, central_difference(x.head, moved, operand));
    const double size = std::abs(gradient.hi);
    CHECK(error <= (x.head.terms.cap > 0 ? truncation_of_capped : truncation) + 0x1p-104 * size);
    CHECK(error <= 1e-20 * size);
    ++checked;
  };
  for (size_t i = 0; i < exact.rows.size(); ++i) {
    const std::vector<TwoDoubles>& dq = exact.rows[i].dq;
    for (size_t k = 0; k < dq.size(); ++k) check(dq[k], moved.q[i * dq.size() + k]);
  }
  for (size_t j = 0; j < exact.keys.size(); ++j) {
    const ExactKeyGradients& key = exact.keys[j];
    for (size_t k = 0; k < key.dk.size(); ++k) check(key.dk[k], moved.k[j * key.dk.size() + k]);
    for (size_t f = 0; f < key.dv.size(); ++f) check(key.dv[f], moved.v[j * key.dv.size() + f]);
  }
  CHECK(checked == static_cast<int>(moved.q.size() + moved.k.size() + moved.v.size()));
}

// Within the claimed error of 480 bits, and as near as two doubles and 160 bits can be.
void check_close(const TwoDoubles& x, double error, const Judge& judged) {
  const double off = distance(x, judged);
  REQUIRE(off <= error);
  REQUIRE(off <= 0x1p-104 * std::abs(x.hi) + 0x1p-50 * error);
}

void check_judged(const Backward& x) {
  const test::Judged judged = test::judged_gradients(x);
  const Answers exact = answers(x);
  ExactRow forward;
  for (size_t i = 0; i < exact.rows.size(); ++i) {
    exact_attention_row(x.head.view(), static_cast<int64_t>(i), forward);
    for (size_t f = 0; f < forward.o.size(); ++f) {
      check_close(forward.o[f], forward.o_error[f], judged.o[i * forward.o.size() + f]);
    }
    const ExactGradientRow& row = exact.rows[i];
    check_close(row.delta, row.delta_error, judged.delta[i]);
    for (size_t k = 0; k < row.dq.size(); ++k) {
      check_close(row.dq[k], row.dq_error[k], judged.dq[i * row.dq.size() + k]);
    }
  }
  for (size_t j = 0; j < exact.keys.size(); ++j) {
    const ExactKeyGradients& key = exact.keys[j];
    for (size_t k = 0; k < key.dk.size(); ++k) {
      check_close(key.dk[k], key.dk_error[k], judged.dk[j * key.dk.size() + k]);
    }
    for (size_t f = 0; f < key.dv.size(); ++f) {
      check_close(key.dv[f], key.dv_error[f], judged.dv[j * key.dv.size() + f]);
    }
  }
}

}  // namespace

TEST_CASE("exact gradients are central differences to better than 1e-20") {
  check_differences(with_dout(test::random_head(81, 3, 4, 3, 2), 82));
  Backward causal = with_dout(test::random_head(83, 4, 3, 2, 2), 84);
  causal.head.visible = causal_keys(3, 1);
  check_differences(causal);
  Backward window = with_dout(test::random_head(85, 4, 5, 2, 1), 86);
  window.head.visible = [](int64_t row) { return KeyRange{row, std::min<int64_t>(row + 3, 5)}; };
  check_differences(window);
}

TEST_CASE("so are those through a soft cap, slopes and a bias") {
  const test::Head head = test::random_head(121, 3, 4, 3, 2);
  check_differences(with_dout(test::with_terms(head, 1, 0, 0), 122));
  check_differences(with_dout(test::with_terms(head, 0, 0.25, 0), 123));
  check_differences(with_dout(test::with_terms(head, 0, 0, 124), 125));
  Backward all = with_dout(test::with_terms(head, 1.5, 0.25, 126), 127);
  all.head.visible = causal_keys(4, 1);
  check_differences(all);
}

TEST_CASE("exact gradients agree with three times the bits by another road") {
  check_judged(with_dout(test::random_head(87, 5, 24, 16, 6), 88));
  check_judged(with_dout(test::sink_head(89, 3, 20, 8), 90));
  check_judged(with_dout(test::random_head(91, 3, 12, 32, 4, 60.0), 92));  // scores in thousands
  Backward masked = with_dout(test::random_head(93, 8, 6, 5, 3), 94);
  masked.head.visible = causal_keys(6, 6 - 8);  // rows 0 and 1 see nothing
  check_judged(masked);
  const test::Head plain = test::random_head(128, 5, 12, 8, 4, 3.0);
  for (const double cap : {0x1p-20, 0.5, 30.0, 0x1p30}) {
    check_judged(with_dout(test::with_terms(plain, cap, 0.7, 129), 130));
  }
}

TEST_CASE("dS and dP of a row sum to what they are made of") {
  const Backward x = with_dout(test::random_head(95, 1, 9, 4, 3), 96);
  const ReferenceHead head = x.head.view();
  ExactGradientRow row;
  exact_gradient_row({head, x.dout.data()}, 0, row);
  const auto value = [](const TwoDoubles& y) { return Judge(y.hi) + Judge(y.lo); };
  Judge p = 0;
  Judge ds = 0;
  Judge delta = 0;
  for (size_t j = 0; j < 9; ++j) {
    p += value(row.p[j]);
    ds += value(row.ds[j]);
    delta += value(row.p[j]) * value(row.dp[j]);
  }
  CHECK(test::distance(1, 0, p) < 0x1p-100);
  CHECK(test::distance(0, 0, ds) < 0x1p-100);
  CHECK(distance(row.delta, delta) < 0x1p-100);
}

TEST_CASE("samples of a larger head lie within the wide bounds") {
  const Backward x = with_dout(test::random_head(97, 70, 130, 12, 9), 98);
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  std::vector<WideRowSummary> wide_rows;
  std::vector<WideRowErrors> errors;
  std::vector<ExactRowSummary> exact_rows;
  WideGradientRow wide;
  WideGradientBound bound;
  ExactGradientRow exact;
  const auto within = [](double value, const TwoDoubles& reference, double limit) {
    const double error = std::abs((value - reference.hi) - reference.lo);
    REQUIRE(error <= limit);
    REQUIRE(limit < 1e-11);
  };
  for (int64_t i = 0; i < head.rows; ++i) {
    wide_gradient_row(gradient, i, wide);
    wide_gradient_bound(gradient, i, wide, bound);
    exact_gradient_row(gradient, i, exact);
    wide_rows.push_back(wide.summary);
    errors.push_back(bound.errors);
    exact_rows.push_back(exact.summary);
    within(wide.delta, exact.delta, bound.delta);
    for (size_t k = 0; k < 12; ++k) within(wide.dq[k], exact.dq[k], bound.dq[k]);
  }
  WideKeyGradients wide_keys;
  WideKeyBound key_bound;
  ExactKeyGradients exact_key;
  for (const int64_t key : {int64_t{0}, int64_t{65}, int64_t{129}}) {
    wide_key_gradients(gradient, wide_rows, {key, key + 1}, wide_keys);
    wide_key_bound(gradient, wide_rows, errors, wide_keys, key_bound);
    exact_key_gradients(gradient, exact_rows, key, exact_key);
    for (size_t k = 0; k < 12; ++k) within(wide_keys.dk[k], exact_key.dk[k], key_bound.dk[k]);
    for (size_t f = 0; f < 9; ++f) within(wide_keys.dv[f], exact_key.dv[f], key_bound.dv[f]);
  }
}

TEST_CASE("where one key has nearly all the weight, dQ is exact to two doubles") {
  // P of the other keys is around e^-600: 160 bits could not tell dP_r from delta.
  Backward x = with_dout(test::random_head(99, 2, 5, 4, 3), 100);
  x.head.q[0] = x.head.q[4] = 160;
  x.head.k[0] = 30;
  const Answers exact = answers(x);
  const ExactGradientRow& row = exact.rows[0];
  Judge expected = 0;
  for (size_t j = 1; j < 5; ++j) {  // sum_j P_j e_j (K_j - K_r), all else of order P^2
    const Judge e = Judge(row.dp[j].hi) + Judge(row.dp[j].lo) - Judge(row.dp[0].hi);
    expected += (Judge(row.p[j].hi) + Judge(row.p[j].lo)) * e *
                (Judge(x.head.k[4 * j]) - Judge(x.head.k[0])) * Judge(x.head.scale);
  }
  CHECK(std::abs(row.dq[0].hi) < 1e-200);
  CHECK(distance(row.dq[0], expected) <= 0x1p-100 * std::abs(row.dq[0].hi));
}

TEST_CASE("one key and no key give the zeros of the wide gradients") {
  Backward x = with_dout(test::random_head(101, 3, 2, 4, 3), 102);
  x.head.visible = causal_keys(2, -1);  // rows see none, one and two keys
  const Answers exact = answers(x);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t k = 0; k < 4; ++k) CHECK(std::abs(exact.rows[row].dq[k].hi) <= 0);
  }
  CHECK(bits_of(exact.rows[0].delta.hi) == 0);
  CHECK(bits_of(exact.rows[0].dq_error[3]) == 0);
  for (size_t f = 0; f < 3; ++f) x.dout[f] = infinity;
  CHECK(bits_of(answers(x).keys[0].dv[0].hi) == bits_of(exact.keys[0].dv[0].hi));
}

TEST_CASE("infinities and NaN are those of the wide gradients") {
  Backward x = with_dout(test::random_head(103, 2, 4, 3, 2), 104);
  x.head.v[2 * 2] = infinity;
  const ReferenceHead head = x.head.view();
  WideGradientRow wide;
  ExactGradientRow exact;
  for (int64_t row = 0; row < 2; ++row) {
    wide_gradient_row({head, x.dout.data()}, row, wide);
    exact_gradient_row({head, x.dout.data()}, row, exact);
    CHECK(bits_of(wide.delta) == bits_of(exact.delta.hi));
    CHECK(std::isinf(exact.delta.hi));
    CHECK(std::isnan(exact.dq[0].hi));
    CHECK(std::isnan(exact.ds[2].hi));
    CHECK(bits_of(wide.ds[1]) == bits_of(exact.ds[1].hi));
  }
}

TEST_CASE("exact heads of a group are added with both doubles") {
  ExactKeyGradients total;
  add_head(ExactKeyGradients{{{1, 0x1p-60}}, {{1, 0}}, {1}, {0}}, total);
  add_head(ExactKeyGradients{{{0x1p-60, 0}}, {{-1, 0x1p-80}}, {2}, {0}}, total);
  CHECK(bits_of(total.dk[0].hi) == bits_of(1.0));
  CHECK(bits_of(total.dk[0].lo) == bits_of(0x1p-59));
  CHECK(bits_of(total.dv[0].hi) == bits_of(0x1p-80));
  CHECK(bits_of(total.dk_error[0]) == bits_of(3.0));
  CHECK_THROWS_AS(add_head(ExactKeyGradients{}, total), Error);
}
