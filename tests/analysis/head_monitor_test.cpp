#include "ulpscope/analysis/head_monitor.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr uint16_t one = 0x3F80, minus_one = 0xBF80, zero = 0;

// Two heads of four rows of 64 features; a score is the product of the first features. Keys 0 and 1
// are alike; in head 1 key 1 is zero.
struct Sample {
  static constexpr int64_t rows = 4, dim = 64;
  std::vector<uint16_t> q = std::vector<uint16_t>(2 * rows * dim, zero);
  std::vector<uint16_t> k = q;
  std::vector<uint16_t> v = q;

  Sample() {
    for (int64_t h = 0; h < 2; ++h) {
      for (int64_t r = 0; r < rows; ++r) {
        at(q, h, r) = one;
        at(k, h, r) = minus_one;
      }
      at(k, h, 0) = one;
      at(k, h, 1) = h == 0 ? one : zero;
    }
  }
  static uint16_t& at(std::vector<uint16_t>& x, int64_t head, int64_t row) {
    return x[static_cast<size_t>((head * rows + row) * dim)];
  }
  // Scores of 14 and -14.
  Plan plan(const std::string& kernel, float scale = 14.0F) const {
    Problem p{.batch = 1,
              .heads = 2,
              .kv_heads = 2,
              .rows = rows,
              .keys = rows,
              .dim = dim,
              .format = bf16,
              .mask = causal_mask,
              .scale = bit_cast<uint32_t>(scale),
              .launch = {.batch = 1, .heads = 2},
              .q = q,
              .k = k,
              .v = v};
    return make_plan(recipe_named(kernel), chip_named("h200"), p, {});
  }
};

}  // namespace

TEST_SUITE("head monitor") {
  TEST_CASE("rows with equal maxima are counted head by head") {
    const Sample sample;
    const auto heads = monitor_heads(sample.plan("fa2-torch"), {});
    REQUIRE(heads.size() == 2);
    CHECK(heads[0].rows == 4);
    CHECK(heads[0].pairs == 10);
    CHECK(heads[0].rows_by_maxima == std::array<int64_t, 5>{1, 3, 0, 0, 0});
    CHECK(heads[0].rows_equal() == 3);
    CHECK(heads[0].largest == 14.0);
    CHECK(heads[1].head == 1);
    CHECK(heads[1].rows_equal() == 0);
  }

  TEST_CASE("rows at risk have a rest, and one that binary32 feels") {
    const Sample sample;
    // Rests of 0, 0, e^-28, 2 e^-28: too small; with the scale 5 they are e^-10, 2 e^-10.
    CHECK(monitor_heads(sample.plan("fa2-torch"), {})[0].rows_at_risk == 0);
    const auto head = monitor_heads(sample.plan("fa2-torch", 5.0F), {})[0];
    CHECK(head.rows_at_risk == 2);
    CHECK(head.median_residual() == std::ldexp(1.0, std::ilogb(std::exp(-10.0))));
  }

  TEST_CASE("the share of the first key is the sink's") {
    const Sample sample;
    const auto heads = monitor_heads(sample.plan("fa2-torch"), {});
    CHECK(heads[0].sink == doctest::Approx((1 + 3 * 0.5) / 4).epsilon(1e-6));
    CHECK(heads[1].sink == doctest::Approx(1.0).epsilon(1e-5));
  }

  TEST_CASE("kernels that scale before, after and twice see the same maxima") {
    const Sample sample;
    for (const char* kernel : {"memeff-torch", "cudnn-9.19", "flex-triton", "kernel"}) {
      CAPTURE(kernel);
      const auto heads = monitor_heads(sample.plan(kernel), {});
      CHECK(heads[0].rows_equal() == 3);
      CHECK(heads[0].largest == doctest::Approx(14.0).epsilon(1e-6));
    }
  }

  TEST_CASE("threads do not show") {
    const Sample sample;
    const Plan plan = sample.plan("fa2-torch");
    const auto one_thread = monitor_heads(plan, {.threads = 1});
    const auto many = monitor_heads(plan, {.threads = 7});
    CHECK(one_thread[0].entropy == many[0].entropy);
    CHECK(one_thread[0].rows_by_residual == many[0].rows_by_residual);
  }

  TEST_CASE("a kernel without tiles has no scores") {
    const Sample sample;
    CHECK_THROWS_WITH_AS(monitor_heads(sample.plan("exact"), {}),
                         doctest::Contains("expected a kernel that computes tiles"), Error);
  }
}
