#include "ulpscope/reference/wide_gradients.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"

#include <cfenv>
#include <cmath>
#include <limits>
#include <thread>

#include "reference/judged_gradients.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Backward;
using test::with_dout;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) same = bits_of(a[i]) == bits_of(b[i]);
  return same;
}

struct Gradients {
  std::vector<double> dq, delta;
  std::vector<WideRowSummary> rows;
  WideKeyGradients keys;
};

// Rows i with i mod threads == t on thread t, then keys in blocks of `block` likewise.
Gradients gradients(const Backward& x, int64_t block, int threads = 1) {
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  const auto dim_qk = static_cast<size_t>(head.dim_qk);
  const auto dim_v = static_cast<size_t>(head.dim_v);
  Gradients out;
  out.dq.resize(x.head.q.size());
  out.delta.resize(static_cast<size_t>(head.rows));
  out.rows.resize(out.delta.size());
  out.keys = {
      {0, head.keys}, std::vector<double>(x.head.k.size()), std::vector<double>(x.head.v.size())};
  const auto on_threads = [threads](auto work) {
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) pool.emplace_back(work, t);
    for (std::thread& thread : pool) thread.join();
  };
  on_threads([&](int t) {
    WideGradientRow row;
    for (int64_t r = t; r < head.rows; r += threads) {
      wide_gradient_row(gradient, r, row);
      const auto i = static_cast<size_t>(r);
      std::copy(row.dq.begin(), row.dq.end(), out.dq.begin() + r * head.dim_qk);
      out.delta[i] = row.delta;
      out.rows[i] = row.summary;
    }
  });
  on_threads([&](int t) {
    WideKeyGradients part;
    for (int64_t first = t * block; first < head.keys; first += threads * block) {
      wide_key_gradients(gradient, out.rows, {first, std::min(first + block, head.keys)}, part);
      const auto at = static_cast<size_t>(first);
      std::copy(part.dk.begin(), part.dk.end(), &out.keys.dk[at * dim_qk]);
      std::copy(part.dv.begin(), part.dv.end(), &out.keys.dv[at * dim_v]);
    }
  });
  return out;
}

bool same_gradients(const Gradients& a, const Gradients& b) {
  return same_bits(a.dq, b.dq) && same_bits(a.delta, b.delta) && same_bits(a.keys.dk, b.keys.dk) &&
         same_bits(a.keys.dv, b.keys.dv);
}

}  // namespace

TEST_CASE("two keys have the gradients of the logistic function") {
  // O = v0 + (v1 - v0) w with w = 1/2: dw/ds1 = w (1 - w) = 1/4. All numbers below are exact.
  Backward x{test::zero_head(1, 2, 1, 1), {3}};
  x.head.q = {2};
  x.head.k = {0.5, 0.5};
  x.head.v = {1, 5};
  x.head.scale = 0.25;
  const Gradients g = gradients(x, 64);
  CHECK(bits_of(g.delta[0]) == bits_of(9.0));
  // ds1 = 3 (5 - 1) / 4 = 3 = -ds0, so dQ = 0.25 (3 - 3) 0.5 and dK = 0.25 x 2 x -+3
  CHECK(bits_of(g.dq[0]) == 0);
  CHECK(same_bits(g.keys.dk, {-1.5, 1.5}));
  CHECK(same_bits(g.keys.dv, {1.5, 1.5}));
}

TEST_CASE("a row with one visible key moves V only") {
  Backward x = with_dout(test::random_head(31, 3, 3, 5, 4), 32);
  x.head.visible = [](int64_t row) { return KeyRange{row, row + 1}; };
  const Gradients g = gradients(x, 64);
  for (const double dq : g.dq) CHECK(dq >= 0);
  for (const double dq : g.dq) CHECK(dq <= 0);
  for (const double dk : g.keys.dk) CHECK(std::abs(dk) <= 0);
  CHECK(same_bits(g.keys.dv, x.dout));
}

TEST_CASE("rows without visible keys have zero gradients and give none") {
  Backward x = with_dout(test::random_head(33, 4, 2, 6, 3), 34);
  x.head.visible = causal_keys(2, 2 - 4);  // rows 0 and 1 see nothing
  const Gradients masked = gradients(x, 64);
  for (size_t i = 0; i < 2 * 6; ++i) CHECK(bits_of(masked.dq[i]) == 0);
  CHECK(bits_of(masked.delta[1]) == 0);
  for (size_t f = 0; f < 2 * 3; ++f) x.dout[f] = infinity;
  CHECK(same_bits(gradients(x, 64).keys.dk, masked.keys.dk));
  CHECK(same_bits(gradients(x, 64).keys.dv, masked.keys.dv));
}

TEST_CASE("masked pairs have no influence, whatever they hold") {
  Backward x = with_dout(test::random_head(35, 70, 6, 9, 7), 36);
  x.head.visible = [](int64_t row) { return row < 66 ? KeyRange{1, 4} : KeyRange{2, 3}; };
  const Gradients clean = gradients(x, 64);
  for (size_t f = 0; f < 7; ++f) x.head.v[f] = infinity;
  for (size_t k = 4 * 9; k < 6 * 9; ++k) x.head.k[k] = -infinity;
  CHECK(same_gradients(clean, gradients(x, 64)));
  for (size_t k = 0; k < 9; ++k) CHECK(bits_of(clean.keys.dk[k]) == 0);
}

TEST_CASE("infinities and NaN stay in the rows and keys that see them") {
  Backward x = with_dout(test::random_head(37, 5, 6, 4, 3), 38);
  x.head.visible = [](int64_t row) { return row < 4 ? KeyRange{0, 6} : KeyRange{0, 3}; };
  x.head.v[3 * 5] = infinity;
  const Gradients g = gradients(x, 64);
  CHECK(std::isinf(g.delta[0]));
  CHECK(std::isnan(g.dq[0]));
  CHECK(std::isfinite(g.delta[4]));
  CHECK(std::isfinite(g.dq[4 * 4]));
  CHECK(std::isfinite(g.keys.dv[3 * 5]));
  CHECK(std::isnan(g.keys.dk[4 * 5]));
}

TEST_CASE("a block of keys, threads and the host's rounding direction leave no trace") {
  Backward x = with_dout(test::random_head(39, 150, 141, 33, 21, 1.5), 40);
  x.head.visible = [](int64_t row) {
    return KeyRange{std::clamp<int64_t>(row - 60, 0, 141), std::clamp<int64_t>(row - 3, 0, 141)};
  };
  const Gradients whole = gradients(x, 141);
  CHECK(same_gradients(whole, gradients(x, 1)));
  CHECK(same_gradients(whole, gradients(x, 64, 3)));
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(direction);
    const Gradients other = gradients(x, 50);
    std::fesetround(FE_TONEAREST);
    CHECK(same_gradients(whole, other));
  }
}

TEST_CASE("keys are summed over rows of the very P and dS that the rows have") {
  const Backward x = with_dout(test::random_head(41, 3, 40, 10, 6), 42);
  const ReferenceHead head = x.head.view();
  const Gradients g = gradients(x, 64);
  std::vector<double> dk(x.head.k.size());
  std::vector<double> dv(x.head.v.size());
  WideGradientRow row;
  for (size_t i = 0; i < 3; ++i) {  // one block of rows: a plain chain from zero
    wide_gradient_row({head, x.dout.data()}, static_cast<int64_t>(i), row);
    for (size_t j = 0; j < 40; ++j) {
      for (size_t k = 0; k < 10; ++k) dk[j * 10 + k] += row.ds[j] * x.head.q[i * 10 + k];
      for (size_t f = 0; f < 6; ++f) dv[j * 6 + f] += row.p[j] * x.dout[i * 6 + f];
    }
  }
  for (double& d : dk) d *= x.head.scale;
  CHECK(same_bits(dk, g.keys.dk));
  CHECK(same_bits(dv, g.keys.dv));
}

TEST_CASE("pairs from a row's summary have the bits of the row") {
  const auto x = with_dout(test::random_head(31, 3, 90, 24, 16), 32);
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  WideGradientRow row;
  WidePairs pairs;
  wide_gradient_row(gradient, 2, row);
  wide_gradient_pairs(gradient, 2, row.summary, {10, 75}, pairs);
  const auto part = [](const std::vector<double>& all) {
    return std::vector<double>(all.begin() + 10, all.begin() + 75);
  };
  CHECK(same_bits(pairs.p, part(row.p)));
  CHECK(same_bits(pairs.dp, part(row.dp)));
  CHECK(same_bits(pairs.ds, part(row.ds)));
}

TEST_CASE("rows are summed in blocks of 64 from row 0, masked ones left out") {
  // One key, weight 1: dV is the sum of dO. At 2^60 the ulp is 256 above and 128 below.
  Backward x{test::zero_head(130, 1, 1, 1), std::vector<double>(130)};
  x.dout[0] = 0x1p60;
  x.dout[63] = 128;  // a tie, lost
  x.dout[64] = 128;  // meets the next in its own block: 384, rounded up to 512
  x.dout[127] = 256;
  CHECK(bits_of(gradients(x, 1).keys.dv[0]) == bits_of(0x1p60 + 512));
  x.dout[64] = infinity;
  x.head.visible = [](int64_t row) { return KeyRange{0, row == 64 ? 0 : 1}; };
  CHECK(bits_of(gradients(x, 1).keys.dv[0]) == bits_of(0x1p60 + 256));
}

TEST_CASE("where one key has nearly all the weight, dQ keeps its digits") {
  // P of the other keys is around e^-60: dP_r - delta is 2^-86 of dP_r.
  Backward x = with_dout(test::random_head(43, 2, 5, 4, 3), 44);
  x.head.q[0] = x.head.q[4] = 16;
  x.head.k[0] = 30;
  const test::Judged judged = test::judged_gradients(x);
  const Gradients g = gradients(x, 64);
  for (size_t i = 0; i < g.dq.size(); ++i) {
    const double size = std::abs(judged.dq[i].convert_to<double>());
    CHECK(size < 1e-20);
    CHECK(test::distance(g.dq[i], 0, judged.dq[i]) < 1e-11 * size);
  }
}

TEST_CASE("heads of a group are added in order") {
  WideKeyGradients total;
  add_head({{0, 1}, {0x1p53}, {1}}, total);
  add_head({{0, 1}, {1}, {2}}, total);  // a tie, lost
  add_head({{0, 1}, {1}, {3}}, total);
  CHECK(bits_of(total.dk[0]) == bits_of(0x1p53));
  CHECK(bits_of(total.dv[0]) == bits_of(6.0));
  CHECK_THROWS_WITH_AS(add_head({{0, 1}, {1, 1}, {3}}, total),
                       "gradients: a head of 2 numbers, expected 1 as in the heads before it",
                       Error);
}

TEST_CASE("keys outside the head and missing rows are refused") {
  const Backward x = with_dout(test::random_head(45, 2, 3, 4, 4), 46);
  const ReferenceHead head = x.head.view();
  const GradientHead gradient{head, x.dout.data()};
  const std::vector<WideRowSummary> rows(2);
  WideKeyGradients out;
  CHECK_THROWS_WITH_AS(wide_key_gradients(gradient, rows, {1, 4}, out),
                       "gradients: keys [1, 4), expected a range within [0, 3)", Error);
  CHECK_THROWS_WITH_AS(wide_key_gradients(gradient, std::span(rows).first(1), {0, 3}, out),
                       "gradients: 1 row summaries, expected 2", Error);
}
