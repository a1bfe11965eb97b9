#include "ulpscope/attention/score_terms.hpp"

#include "ulpscope/base/error.hpp"

#include <cmath>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::vector<uint32_t> registers_of(const std::vector<double>& values) {
  std::vector<uint32_t> bits;
  for (const double x : values) bits.push_back(Soft<fp32>(x).bits());
  return bits;
}

constexpr int64_t batch = 2;
constexpr int64_t heads = 3;
const Shape shape{.rows = 4, .keys = 5, .dim = 8, .batch = batch, .heads = heads};

}  // namespace

TEST_CASE("default slopes halve from head to head of eight") {
  CHECK(default_slopes(8) ==
        registers_of({0x1p-1, 0x1p-2, 0x1p-3, 0x1p-4, 0x1p-5, 0x1p-6, 0x1p-7, 0x1p-8}));
  CHECK(default_slopes(1) == registers_of({0x1p-8}));
  CHECK(default_slopes(2) == registers_of({0x1p-4, 0x1p-8}));
}

TEST_CASE("sixteen heads have the square roots between, correctly rounded") {
  const auto slopes = default_slopes(16);
  REQUIRE(slopes.size() == 16);
  CHECK(slopes[0] == 0x3F35'04F3);  // 2^-0.5
  CHECK(slopes[1] == registers_of({0.5})[0]);
  CHECK(slopes[15] == registers_of({0x1p-8})[0]);
  for (size_t i = 1; i <= 16; ++i) {
    CHECK(slopes[i - 1] == registers_of({std::exp2(-0.5 * static_cast<double>(i))})[0]);
  }
}

TEST_CASE("other numbers of heads go on with every other slope of twice the power of two") {
  // 12 heads: eight of 2^-i, then 2^-0.5, 2^-1.5, 2^-2.5, 2^-3.5.
  const auto slopes = default_slopes(12);
  const auto eight = default_slopes(8);
  REQUIRE(slopes.size() == 12);
  CHECK(std::equal(eight.begin(), eight.end(), slopes.begin()));
  for (size_t n = 0; n < 4; ++n) CHECK(slopes[8 + n] == default_slopes(16)[2 * n]);
}

TEST_CASE("a head sees its slope, its diagonal and its plane of the bias") {
  auto owned = random_problem(1, shape);
  Problem& p = owned.problem;
  const auto slopes = registers_of({1, 2, 3, 4, 5, 6});
  std::vector<uint32_t> bias(2 * 3 * 4 * 5);
  for (size_t n = 0; n < bias.size(); ++n) bias[n] = static_cast<uint32_t>(n);
  p.terms = {.cap = 7, .slopes = slopes, .bias = {{2, 3, 4, 5}, bias}};
  const HeadTerms terms = head_terms(p, Alignment::bottom_right, 1, 2);
  CHECK(terms.cap == 7);
  CHECK(terms.slope == slopes[5]);
  CHECK(terms.diagonal == 1);
  CHECK(terms.distance(0, 0) == 1);
  CHECK(terms.distance(3, 0) == 4);
  CHECK(terms.distance(0, 4) == 3);
  CHECK(terms.bias_of(3, 4) == 119);
  CHECK(head_terms(p, Alignment::top_left, 0, 0).diagonal == 0);
  CHECK(head_terms(p, Alignment::top_left, 0, 1).bias_of(0, 0) == 20);
}

TEST_CASE("axes of size 1 are the same for all") {
  auto owned = random_problem(2, shape);
  Problem& p = owned.problem;
  const std::vector<uint32_t> bias{10, 11, 12};
  p.terms.bias = {{1, 3, 1, 1}, bias};
  CHECK(head_terms(p, Alignment::top_left, 1, 2).bias_of(3, 4) == 12);
  const std::vector<uint32_t> by_key{20, 21, 22, 23, 24, 30, 31, 32, 33, 34};
  p.terms.bias = {{2, 1, 1, 5}, by_key};
  CHECK(head_terms(p, Alignment::top_left, 1, 2).bias_of(3, 4) == 34);
  CHECK(head_terms(p, Alignment::top_left, 0, 2).bias_of(0, 1) == 21);
}

TEST_CASE("some heads of a batch have the terms that they had in the whole") {
  auto owned = random_problem(3, shape);
  Problem& p = owned.problem;
  const auto slopes = registers_of({1, 2, 3, 4, 5, 6});
  std::vector<uint32_t> full(2 * 3 * 4 * 5);
  for (size_t n = 0; n < full.size(); ++n) full[n] = static_cast<uint32_t>(n);
  const std::vector<uint32_t> by_head{10, 11, 12};
  for (const ScoreBias& bias : {ScoreBias{{2, 3, 4, 5}, full}, ScoreBias{{1, 3, 1, 1}, by_head}}) {
    p.terms = {.cap = 0, .slopes = slopes, .bias = bias};
    Problem some = p;
    some.batch = 1;
    some.heads = 2;
    some.terms = terms_of_heads(p, 1, 1, 2);
    for (const int64_t head : {0, 1}) {
      const HeadTerms whole = head_terms(p, Alignment::top_left, 1, head + 1);
      const HeadTerms part = head_terms(some, Alignment::top_left, 0, head);
      CHECK(part.slope == whole.slope);
      CHECK(part.bias_of(3, 4) == whole.bias_of(3, 4));
    }
  }
}

TEST_CASE("the sites of a term are those of its steps, forward and backward") {
  CHECK(term_of(Site::cap_tanh) == ScoreTerm::soft_cap);
  CHECK(term_of(Site::ds_cap) == ScoreTerm::soft_cap);
  CHECK(term_of(Site::bwd_alibi_score) == ScoreTerm::alibi);
  CHECK(term_of(Site::biased_score) == ScoreTerm::bias);
  CHECK_FALSE(term_of(Site::scaled_score).has_value());
  int64_t count = 0;
  for (const SiteRow& row : site_table) count += term_of(row.site) ? 1 : 0;
  CHECK(count == 12);
}

TEST_CASE("terms that do not fit the problem are refused") {
  auto owned = random_problem(4, shape);
  Problem& p = owned.problem;
  const std::vector<uint32_t> some(7);
  const auto refused = [&](const ScoreTerms& terms, const char* message) {
    p.terms = terms;
    CHECK_THROWS_WITH_AS(check(p), doctest::Contains(message), Error);
  };
  refused({.cap = 0x7F80'0000}, "--softcap: expected a finite number above zero");
  refused({.cap = 0xBF80'0000}, "--softcap: expected a finite number above zero");
  refused({.slopes = some}, "a slope for every batch and head");
  const std::vector<uint32_t> infinite(6, 0x7F80'0000);
  refused({.slopes = infinite}, "finite slopes");
  refused({.bias = {{1, 1, 4, 7}, some}},
          "bias has the shape (1, 1, 4, 7); expected 1 or the size of the problem at each place: "
          "(2, 3, 4, 5)");
  refused({.bias = {{1, 1, 4, 5}, some}}, "as many elements as its shape says");
  p.terms = {};
  check(p);
}
