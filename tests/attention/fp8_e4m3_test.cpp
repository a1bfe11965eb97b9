// The generic row fp8-e4m3: the tiled pass and a twin written from its formulas end in the same
// bits, factors of the tensors included.
#include "ulpscope/attention/recipes/fp8_e4m3.hpp"

#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/base/error.hpp"

#include "attention/naive_fp8.hpp"
#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

OwnedProblem e4m3_problem(uint64_t seed, const Shape& shape, double width = 1.5) {
  return random_problem(seed, shape, e4m3fn, width);
}

Outputs run(const OwnedProblem& owned, const char* chip = "h200") {
  return run_one_head(make_plan(fp8_e4m3, chip_named(chip), owned.problem, {}));
}

// Rows on which the twin differs, O or LSE.
int64_t different_rows(const OwnedProblem& owned) {
  const Outputs outputs = run(owned);
  const NaiveFp8 twin(owned.problem);
  const int64_t dim = owned.problem.dim;
  int64_t count = 0;
  for (size_t i = 0; i < outputs.lse.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const NaiveOutput row = twin.row(at);
    const bool same = row.lse == outputs.lse[i] &&
                      std::equal(row.o.begin(), row.o.end(), outputs.o.begin() + at * dim);
    count += same ? 0 : 1;
  }
  return count;
}

uint32_t bits(double x) { return Soft<fp32>(x).bits(); }

}  // namespace

TEST_CASE("8-bit attention computes what its formulas say") {
  CHECK(different_rows(e4m3_problem(1, {.rows = 40, .keys = 300, .dim = 64})) == 0);
  CHECK(different_rows(e4m3_problem(2, {.rows = 9, .keys = 140, .dim = 72}, 4.0)) == 0);
  CHECK(different_rows(
            e4m3_problem(3, {.rows = 150, .keys = 130, .dim = 32, .mask = causal_mask})) == 0);
  CHECK(different_rows(e4m3_problem(
            4, {.rows = 140, .keys = 300, .dim = 16, .mask = {.left = 40, .right = 3}})) == 0);
  CHECK(different_rows(e4m3_problem(5, {.rows = 60, .keys = 20, .dim = 16, .mask = causal_mask})) ==
        0);
}

TEST_CASE("factors of Q and K enter the scale, that of V the end of the row") {
  auto owned = e4m3_problem(6, {.rows = 30, .keys = 200, .dim = 40});
  owned.problem.descale = {.q = bits(0.37), .k = bits(1.9), .v = bits(0.0123)};
  CHECK(different_rows(owned) == 0);
  const Plan plan = make_plan(fp8_e4m3, chip_named("h200"), owned.problem, {});
  const auto factor = [](uint32_t x) { return Soft<fp32>::from_bits(x); };
  CHECK(plan.problem.scale ==
        (factor(default_scale(40)) * factor(bits(0.37)) * factor(bits(1.9))).bits());
}

TEST_CASE("powers of two among the factors move exponents and nothing else") {
  auto owned = e4m3_problem(7, {.rows = 30, .keys = 200, .dim = 40});
  const Outputs plain = run(owned);
  owned.problem.descale = {.q = bits(4), .k = bits(0.25), .v = bits(1)};
  CHECK(run(owned) == plain);
  owned.problem.descale.v = bits(0x1p-3);
  const Outputs scaled = run(owned);
  CHECK(scaled.lse == plain.lse);
  constexpr uint64_t one_binade = uint64_t{1} << 7;
  for (size_t i = 0; i < plain.o.size(); ++i) {
    const bool zero = (plain.o[i] & 0x7FFF) == 0;
    CHECK(scaled.o[i] == (zero ? plain.o[i] : plain.o[i] - 3 * one_binade));
  }
}

TEST_CASE("P that is not above 2^-10 is lost to O, and counts in l") {
  // Keys 0 and 1 have the scores 0 and -n, in units of the scale; V is 0 and 1.
  const auto o_of = [](double n) {
    OwnedProblem owned = e4m3_problem(8, {.rows = 1, .keys = 2, .dim = 2});
    owned.q = {code16(e4m3fn, 1), 0};
    owned.k = {0, 0, code16(e4m3fn, -n), 0};
    owned.v = {0, 0, code16(e4m3fn, 1), 0};
    owned.problem.q = owned.q;
    owned.problem.k = owned.k;
    owned.problem.v = owned.v;
    owned.problem.scale = bits(0.6931471805599453);  // ln 2: P is 2^-n
    CHECK(different_rows(owned) == 0);
    return run(owned).o[0];
  };
  CHECK(o_of(9) != 0);
  CHECK(o_of(11) == 0);
}

TEST_CASE("the accumulator keeps 13 fraction bits") {
  // S = 1 + 2^-14: the second product is cut away where it meets the first.
  OwnedProblem owned = e4m3_problem(9, {.rows = 1, .keys = 1, .dim = 2});
  owned.q = {code16(e4m3fn, 1), code16(e4m3fn, 0x1p-7)};
  owned.k = {code16(e4m3fn, 1), code16(e4m3fn, 0x1p-7)};
  owned.problem.q = owned.q;
  owned.problem.k = owned.k;
  owned.problem.scale = bits(1);
  const Plan plan = make_plan(fp8_e4m3, chip_named("h200"), owned.problem, {});
  CHECK(plan.sum.fraction_bits == 13);
  CHECK(plan.sum.terms == 32);
  CHECK(run_one_head(plan).lse[0] == bits(1));  // the score, and ln 1 = 0
}

TEST_CASE("O is bfloat16, P is E4M3, and nothing else is narrow") {
  const PrecisionMap map = precision_map(fp8_e4m3, e4m3fn);
  for (const SiteRow& row : site_table) {
    const Format expected = row.site == Site::probability_cast ? e4m3fn
                            : row.site == Site::output_store   ? bf16
                                                               : fp32;
    CHECK(map[row.site] == Cast{expected, nearest_even});
  }
}

TEST_CASE("other formats, chips without E4M3, factors out of range and gradients are refused") {
  const auto refuses = [](const Recipe& recipe, const OwnedProblem& owned, const char* chip,
                          const char* part) {
    CHECK_THROWS_WITH_AS(make_plan(recipe, chip_named(chip), owned.problem, {}),
                         doctest::Contains(part), Error);
  };
  refuses(fp8_e4m3, random_problem(10, {.rows = 2, .keys = 2, .dim = 8}), "h200", "takes e4m3fn");
  auto owned = e4m3_problem(11, {.rows = 2, .keys = 2, .dim = 8});
  refuses(fp8_e4m3, owned, "sm80", "e4m3fn");
  owned.problem.descale.k = bits(1e38);
  owned.problem.descale.q = bits(1e3);
  refuses(fp8_e4m3, owned, "h200", "normal number");
  owned.problem.descale = {.q = 0};
  refuses(fp8_e4m3, owned, "h200", "--descale");
  auto wide = random_problem(12, {.rows = 2, .keys = 2, .dim = 8});
  wide.problem.descale.v = bits(2);
  refuses(fa2_torch, wide, "h200", "takes no factors");
  owned.problem.descale = {};
  const Plan plan = make_plan(fp8_e4m3, chip_named("h200"), owned.problem, {});
  CHECK_THROWS_WITH_AS(make_backward_plan(plan, owned.problem),
                       doctest::Contains("no backward pass"), Error);
}
