#include "ulpscope/compare/judged_product.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cmath>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

enum class Signs { both, positive };

Operand random_operand(uint64_t seed, int64_t rows, int64_t k, Signs signs = Signs::both) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::normal_distribution<float> draw;
  Operand operand(fp16, rows, k);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < k; ++c) {
      const float x = draw(random);
      operand.set(r, c, Soft<fp16>(signs == Signs::positive ? std::fabs(x) : x).bits());
    }
  }
  return operand;
}

std::vector<GemmPlan> plans_for(int64_t k, const Format& output) {
  std::vector<GemmPlan> plans;
  for (const char* chip : {"h200", "sm80", "sm70"}) {
    plans.push_back(
        make_gemm_plan(gemm_recipe_named("cublas-fp16"), chip_named(chip), k, {.output = output}));
  }
  return plans;
}

double mean_of(const JudgedProduct& product) {
  return static_cast<double>(product.errors.statistics().moments.sum_away);
}

}  // namespace

TEST_SUITE("judged product") {
  TEST_CASE("every plan has its codes, and errors in ulps of their format") {
    const Operand a = random_operand(1, 5, 96);
    const Operand b = random_operand(2, 9, 96);
    const auto plans = plans_for(96, fp32);
    const auto run = run_products(plans, a, b, {});
    REQUIRE(run.complete);
    REQUIRE(run.of_plan.size() == 3);
    const ExactProducts exact(a, b, {});
    for (size_t p = 0; p < plans.size(); ++p) {
      uint64_t not_nearest = 0;
      std::vector<uint32_t> row(9);
      for (int64_t i = 0; i < 5; ++i) {
        product_row(plans[p], a, i, b, 0, row);
        for (int64_t j = 0; j < 9; ++j) {
          const auto at = static_cast<size_t>(i * 9 + j);
          const uint32_t code = run.of_plan[p].d[at];
          REQUIRE(code == output_code(plans[p], row[static_cast<size_t>(j)]));
          const auto nearest = round_pack(fp32, exact.at(i, j), nearest_even);
          not_nearest += code != nearest.bits;
          const double reference =
              bit_cast<double>(round_pack(fp64, exact.at(i, j), nearest_even).bits);
          const double error = static_cast<double>(bit_cast<float>(code)) - reference;
          const double ulps = std::ldexp(error, -ulp_exponent(fp32, reference));
          CHECK(static_cast<double>(run.of_plan[p].d_ulp[at]) ==
                doctest::Approx(ulps).epsilon(0x1p-20));
        }
      }
      CHECK(run.of_plan[p].not_nearest == not_nearest);
      CHECK(run.of_plan[p].errors.statistics().moments.count == 45);
    }
  }

  TEST_CASE("tensor cores truncate, so sums come out small, more so on older chips") {
    const Operand a = random_operand(3, 40, 256, Signs::positive);
    const Operand b = random_operand(4, 40, 256, Signs::positive);
    const auto run = run_products(plans_for(256, fp32), a, b, {.threads = 2});
    const double h200 = mean_of(run.of_plan[0]);
    const double sm80 = mean_of(run.of_plan[1]);
    const double sm70 = mean_of(run.of_plan[2]);
    CHECK(h200 < 0);
    CHECK(sm80 < h200);
    CHECK(sm70 < sm80);
  }

  TEST_CASE("1, 2 and 7 threads give the same integers") {
    const Operand a = random_operand(5, 30, 100);
    const Operand b = random_operand(6, 17, 100);
    const auto plans = plans_for(100, bf16);
    const auto one = run_products(plans, a, b, {});
    for (const int threads : {2, 7}) {
      const auto many = run_products(plans, a, b, {.threads = threads});
      for (size_t p = 0; p < plans.size(); ++p) {
        CHECK(many.of_plan[p].d == one.of_plan[p].d);
        CHECK(many.of_plan[p].not_nearest == one.of_plan[p].not_nearest);
        CHECK(many.of_plan[p].errors.statistics() == one.of_plan[p].errors.statistics());
        CHECK(many.of_plan[p].errors.worst().size() == one.of_plan[p].errors.worst().size());
      }
    }
  }

  TEST_CASE("columns of B that a cache does not hold give the same, packed or not") {
    const Operand a = random_operand(10, 3, 4100);
    Operand b = random_operand(11, 70, 4100);
    const auto plans = plans_for(4100, bf16);
    const auto one_by_one = run_products(plans, a, b, {});
    b.pack();
    const auto packed = run_products(plans, a, b, {});
    std::vector<uint32_t> row(70);
    for (size_t p = 0; p < plans.size(); ++p) {
      CHECK(packed.of_plan[p].d == one_by_one.of_plan[p].d);
      product_row(plans[p], a, 2, b, 0, row);
      for (size_t j = 0; j < row.size(); ++j) {
        CHECK(packed.of_plan[p].d[2 * row.size() + j] == output_code(plans[p], row[j]));
      }
    }
  }

  TEST_CASE("a row with an infinity has no exact product and no error") {
    Operand a = random_operand(7, 2, 32);
    const Operand b = random_operand(8, 3, 32);
    a.set(1, 4, 0x7C00);
    const auto run = run_products(plans_for(32, fp32), a, b, {});
    const auto& moments = run.of_plan[0].errors.statistics().moments;
    CHECK(moments.count == 6);
    CHECK(moments.skipped == 3);
    CHECK(run.of_plan[0].not_nearest <= 3);
  }

  TEST_CASE("a stopped run says that it is not complete") {
    const std::atomic<bool> stop = true;
    const Operand a = random_operand(9, 2, 32);
    CHECK_FALSE(run_products(plans_for(32, fp32), a, a, {.stop = &stop}).complete);
  }
}
