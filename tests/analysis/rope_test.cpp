#include "ulpscope/analysis/rope.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::vector<double> normal_rows(int64_t rows, int64_t dim, uint64_t seed) {
  const auto codes =
      draw({.kind = LawKind::normal, .seed = seed}, {.rows = rows, .keys = 1, .dim = dim}).q;
  std::vector<double> numbers(codes.size());
  std::transform(codes.begin(), codes.end(), numbers.begin(),
                 [](uint16_t code) { return double_value(bf16, uint64_t{code}); });
  return numbers;
}

// Mean over four first keys.
double absolute_shift(const char* recipe, int64_t rows) {
  const Rope rope(rope_recipe_named(recipe), 128);
  const auto q = normal_rows(rows, 128, 1);
  double sum = 0;
  for (uint64_t seed = 2; seed < 6; ++seed) {
    sum += logit_shift(rope, q, normal_rows(1, 128, seed), 0, 16).absolute_mean;
  }
  return sum / 4;
}

}  // namespace

TEST_SUITE("rope") {
  TEST_CASE("position 0 turns nothing") {
    const auto x = normal_rows(1, 64, 3);
    for (const auto& recipe : rope_recipes) {
      std::vector<double> to(64);
      Rope(recipe, 64).rotate(x, 0, to);
      CHECK(to == x);
    }
  }

  TEST_CASE("a pair is turned by its angle") {
    // One pair, frequency 1: position 1 turns (1, 0) by one radian.
    const std::vector<double> x{1, 0};
    std::vector<double> to(2);
    Rope(rope_recipe_named("fp32"), 2).rotate(x, 1, to);
    CHECK(to[0] == static_cast<double>(static_cast<float>(std::cos(1.0))));
    CHECK(to[1] == static_cast<double>(static_cast<float>(std::sin(1.0))));
    Rope(rope_recipe_named("hf-bf16"), 2).rotate(x, 1, to);
    CHECK(to[0] == 0.5390625);  // 0.5403 in bf16, steps of 2^-8
    CHECK(to[1] == 0.83984375);
  }

  // One head, dim 128, base 10000, normal q and first key; the table of the specification has means
  // over other draws: fp32 3.5e-7 at 64 rows to 1.9e-5 at 8192, cast 2.1e-3 to 2.5e-3, hf-bf16
  // 3.3e-3 to 3.7e-3 at every length. Keys differ by a fifth: bounds a quarter wider.
  TEST_CASE("binary32 shows no shift, a cast 2e-3, bf16 arithmetic half as much again") {
    for (const int64_t rows : {64, 512}) {
      CAPTURE(rows);
      CHECK(absolute_shift("fp32", rows) < 2e-5);
      const double cast = absolute_shift("cast", rows);
      CHECK(cast > 2.1e-3 * 0.75);
      CHECK(cast < 2.5e-3 * 1.25);
      const double bf16_arithmetic = absolute_shift("hf-bf16", rows);
      CHECK(bf16_arithmetic > 3.3e-3 * 0.75);
      CHECK(bf16_arithmetic < 3.7e-3 * 1.25);
      CHECK(bf16_arithmetic > 1.15 * cast);
    }
  }

  TEST_CASE("in binary32 the shift grows with the position, as the angles' error does") {
    CHECK(absolute_shift("fp32", 1024) > 3 * absolute_shift("fp32", 64));
    CHECK(absolute_shift("fp32", 8192) > 1.9e-5 * 0.75);
    CHECK(absolute_shift("fp32", 8192) < 1.9e-5 * 1.25);
  }

  TEST_CASE("a first key eight times as large shifts eight times as much") {
    const Rope rope(rope_recipe_named("cast"), 128);
    const auto q = normal_rows(256, 128, 1);
    auto key = normal_rows(1, 128, 2);
    const double one = logit_shift(rope, q, key, 0, 16).absolute_mean;
    for (double& x : key) x *= 8;
    CHECK(logit_shift(rope, q, key, 0, 16).absolute_mean == doctest::Approx(8 * one));
  }

  TEST_CASE("attention matrices shift by what the recipe rounds, and not at all by nothing") {
    const auto q = normal_rows(64, 128, 1);
    const auto k = normal_rows(64, 128, 2);
    const auto shift = [&](const char* recipe, int64_t second) {
      return attention_shift(Rope(rope_recipe_named(recipe), 128), q, k, 128, 0, second);
    };
    CHECK(shift("cast", 0).absolute_sum == 0.0);
    const auto cast = shift("cast", 16);
    CHECK(shift("fp32", 16).absolute_sum < 0.01 * cast.absolute_sum);
    CHECK(shift("hf-bf16", 16).absolute_sum > 1.15 * cast.absolute_sum);
    CHECK(std::abs(cast.signed_sum) < cast.absolute_sum);
    CHECK(cast.absolute_first_key < cast.absolute_sum);
    // A row alone sees one key, with weight 1 whatever its score.
    const auto one = attention_shift(Rope(rope_recipe_named("cast"), 128), std::span(q).first(128),
                                     std::span(k).first(128), 128, 0, 16);
    CHECK(one.absolute_sum == 0.0);
  }

  TEST_CASE("odd sizes, bases and names are refused") {
    CHECK_THROWS_AS(Rope(rope_recipes[0], 3), Error);
    CHECK_THROWS_AS(Rope(rope_recipes[0], 64, 1.0), Error);
    CHECK_THROWS_AS(rope_recipe_named("fp16"), Error);
  }
}
