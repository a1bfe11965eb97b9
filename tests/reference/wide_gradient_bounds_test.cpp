#include "ulpscope/reference/wide_gradient_bounds.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "reference/judged_gradients.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Backward;
using test::with_dout;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

// The largest error over its bound; below 1 if the bound holds.
struct Shares {
  double dq = 0;
  double delta = 0;
  double dk = 0;
  double dv = 0;
};

void judge(double wide, double bound, const test::Judge& exact, double& share) {
  const double error = test::distance(wide, 0, exact);
  REQUIRE(std::isfinite(bound));
  REQUIRE(error <= bound);
  if (bound > 0) share = std::max(share, error / bound);
}

struct Bounded {
  std::vector<WideRowSummary> rows;
  std::vector<WideRowErrors> errors;
  WideKeyGradients keys;
  WideKeyBound bound;
};

Bounded bounded_keys(const Backward& x) {
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  Bounded out;
  WideGradientRow row;
  WideGradientBound bound;
  for (int64_t i = 0; i < head.rows; ++i) {
    wide_gradient_row(gradient, i, row);
    wide_gradient_bound(gradient, i, row, bound);
    out.rows.push_back(row.summary);
    out.errors.push_back(bound.errors);
  }
  wide_key_gradients(gradient, out.rows, {0, head.keys}, out.keys);
  wide_key_bound(gradient, out.rows, out.errors, out.keys, out.bound);
  return out;
}

Shares shares_of_bound(const Backward& x) {
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  const test::Judged judged = test::judged_gradients(x);
  Shares shares;
  WideGradientRow row;
  WideGradientBound bound;
  for (size_t i = 0; i < static_cast<size_t>(head.rows); ++i) {
    wide_gradient_row(gradient, static_cast<int64_t>(i), row);
    wide_gradient_bound(gradient, static_cast<int64_t>(i), row, bound);
    judge(row.delta, bound.delta, judged.delta[i], shares.delta);
    for (size_t k = 0; k < row.dq.size(); ++k) {
      judge(row.dq[k], bound.dq[k], judged.dq[i * row.dq.size() + k], shares.dq);
    }
  }
  const Bounded keys = bounded_keys(x);
  for (size_t i = 0; i < keys.keys.dk.size(); ++i) {
    judge(keys.keys.dk[i], keys.bound.dk[i], judged.dk[i], shares.dk);
  }
  for (size_t i = 0; i < keys.keys.dv.size(); ++i) {
    judge(keys.keys.dv[i], keys.bound.dv[i], judged.dv[i], shares.dv);
  }
  return shares;
}

// The largest shares go where the test's -s shows them; docs/numerics/wide_reference.md quotes
// them.
Shares check(const std::string& name, const Backward& x) {
  const Shares shares = shares_of_bound(x);
  INFO(name << ": dq " << shares.dq << ", delta " << shares.delta << ", dk " << shares.dk << ", dv "
            << shares.dv);
  CHECK(shares.dq > 0);
  CHECK(shares.dv > 0);
  return shares;
}

void scale_all(std::vector<double>& values, int exponent) {
  for (double& x : values) x = std::ldexp(x, exponent);
}

}  // namespace

TEST_CASE("wide gradients lie within their bounds") {
  check("random", with_dout(test::random_head(51, 70, 30, 16, 8), 52));
  CHECK(check("sink", with_dout(test::sink_head(53, 20, 40, 8), 54)).delta > 0.1);
  check("large scores", with_dout(test::random_head(55, 10, 30, 32, 8, 30.0), 56));
  Backward peaked = with_dout(test::random_head(57, 4, 6, 4, 3), 58);
  peaked.head.q[0] = peaked.head.q[8] = 16;
  peaked.head.k[0] = 30;
  check("peaked", peaked);
}

TEST_CASE("masked gradients lie within their bounds") {
  Backward x = with_dout(test::random_head(59, 20, 30, 8, 5), 60);
  x.head.visible = causal_keys(30, 0);
  check("causal, top-left", x);
  x.head.visible = causal_keys(30, 12 - 20);  // rows 0 to 7 see nothing
  check("causal, bottom-right", x);
  x.head.visible = [](int64_t row) {
    return KeyRange{std::max<int64_t>(row - 7, 0), std::min<int64_t>(row + 3, 30)};
  };
  check("window", x);
  x.head.visible = [](int64_t row) { return KeyRange{row, row + 1}; };
  const Bounded one_key = bounded_keys(x);
  for (const double dk : one_key.keys.dk) CHECK(std::abs(dk) <= 0);
}

TEST_CASE("gradients through terms of the score lie within their bounds") {
  const test::Head plain = test::random_head(141, 20, 30, 16, 8, 2.0);
  const auto checked = [&](const std::string& name, double cap, double slope, uint64_t seed) {
    check(name, with_dout(test::with_terms(plain, cap, slope, seed), 142));
  };
  checked("soft cap", 2.5, 0, 0);
  checked("a low soft cap", 0.01, 0, 0);
  checked("a high soft cap", 1e6, 0, 0);
  checked("ALiBi", 0, 0.25, 0);
  checked("bias", 0, 0, 143);
  checked("all terms", 4, 0.25, 144);
  Backward hidden = with_dout(test::with_terms(plain, 3, 0, 0), 145);
  hidden.head.terms.bias = [](int64_t row, int64_t key) {
    return row == 5 || (row + key) % 3 == 0 ? -infinity : 0.25;
  };
  check("hidden by the bias", hidden);
}

TEST_CASE("large, tiny and cancelling operands stay within their bounds") {
  Backward tiny = with_dout(test::random_head(61, 5, 20, 8, 5), 62);
  scale_all(tiny.head.q, -120);
  scale_all(tiny.head.k, -120);
  scale_all(tiny.head.v, -130);
  scale_all(tiny.dout, -130);
  check("tiny", tiny);
  Backward large = with_dout(test::random_head(63, 5, 20, 8, 5), 64);
  scale_all(large.head.q, -100);
  scale_all(large.head.k, 100);
  scale_all(large.head.v, 120);
  scale_all(large.dout, 120);
  check("large", large);
  // Full 53-bit operands, products that nearly cancel: the rounding of scores and dP is the error.
  Backward rounded = with_dout(test::random_head(65, 8, 5, 24, 8), 66);
  std::mt19937_64 random(67);
  std::normal_distribution<double> normal;
  for (double& q : rounded.head.q) q = 1e3 * normal(random);
  for (double& d : rounded.dout) d = normal(random);
  for (size_t i = 0; i < 8 * 24; ++i) rounded.head.q[i] = rounded.head.q[i - i % 24 + i % 12];
  for (size_t i = 0; i < 5 * 24; ++i) {
    if (i % 24 < 12) rounded.head.k[i] = normal(random);
    if (i % 24 >= 12) rounded.head.k[i] = -rounded.head.k[i - 12] * (1 + 0x1p-18);
  }
  check("cancelling", rounded);
}

TEST_CASE("zeros need no bound, and scores beyond the argument have none") {
  Backward x = with_dout(test::random_head(68, 3, 20, 8, 2), 69);
  for (size_t j = 0; j < 20; ++j) x.head.k[8 * j] = 0;
  for (size_t i = 0; i < 3; ++i) x.head.q[8 * i + 1] = x.dout[2 * i] = 0;
  const ReferenceHead head = x.head.view();
  WideGradientRow row;
  WideGradientBound bound;
  wide_gradient_row({head, x.dout.data()}, 0, row);
  wide_gradient_bound({head, x.dout.data()}, 0, row, bound);
  CHECK(bits_of(bound.dq[0]) == 0);
  CHECK(bound.dq[1] > 0);
  CHECK(bound.dq[1] < 1e-12);
  const WideKeyBound keys = bounded_keys(x).bound;
  CHECK(bits_of(keys.dk[1]) == 0);
  CHECK(keys.dk[0] > 0);
  CHECK(keys.dk[0] < 1e-12);
  CHECK(bits_of(keys.dv[0]) == 0);
  CHECK(keys.dv[1] < 1e-12);

  x.head.scale = 0x1p45;
  const ReferenceHead steep = x.head.view();
  wide_gradient_row({steep, x.dout.data()}, 0, row);
  wide_gradient_bound({steep, x.dout.data()}, 0, row, bound);
  CHECK(bits_of(bound.dq[1]) == bits_of(infinity));
  CHECK(bits_of(bound.delta) == bits_of(infinity));
  CHECK(bits_of(bounded_keys(x).bound.dk[0]) == bits_of(infinity));
  CHECK(bits_of(bounded_keys(x).bound.dv[1]) == bits_of(infinity));
}

TEST_CASE("a group's bound covers its heads and their additions") {
  const Backward heads[] = {with_dout(test::random_head(70, 10, 8, 4, 3), 71),
                            with_dout(test::random_head(72, 10, 8, 4, 3), 73),
                            with_dout(test::random_head(74, 10, 8, 4, 3), 75)};
  WideKeyGradients total;
  WideKeyBound bound;
  std::vector<test::Judge> dk(8 * 4);
  std::vector<test::Judge> dv(8 * 3);
  double head_bounds = 0;
  for (const Backward& x : heads) {
    const Bounded head = bounded_keys(x);
    const test::Judged judged = test::judged_gradients(x);
    add_head(head.keys, total);
    add_head_bound(head.bound, total, bound);
    for (size_t i = 0; i < dk.size(); ++i) dk[i] += judged.dk[i];
    for (size_t i = 0; i < dv.size(); ++i) dv[i] += judged.dv[i];
    head_bounds += head.bound.dk[0];
  }
  double share = 0;
  for (size_t i = 0; i < dk.size(); ++i) judge(total.dk[i], bound.dk[i], dk[i], share);
  for (size_t i = 0; i < dv.size(); ++i) judge(total.dv[i], bound.dv[i], dv[i], share);
  CHECK(bound.dk[0] > head_bounds);
  CHECK(bound.dk[0] < 1.1 * head_bounds);
  CHECK_THROWS_AS(add_head_bound({{1}, {1}}, total, bound), Error);
}
