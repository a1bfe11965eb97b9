#include "ulpscope/analysis/law.hpp"

#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/compare/judged_run.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/trace/bias.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Spread {
  double mean;
  double deviation;
};
Spread spread_of(const std::vector<uint16_t>& codes) {
  double sum = 0;
  double squares = 0;
  for (const uint16_t code : codes) {
    const double x = double_value(bf16, uint64_t{code});
    sum += x;
    squares += x * x;
  }
  const auto n = static_cast<double>(codes.size());
  return {sum / n, std::sqrt(squares / n - sum / n * (sum / n))};
}

// A drawn problem and its plan for FlashAttention-2 with unsplit keys.
struct Drawn {
  LawTensors tensors;
  Plan plan;

  Drawn(const Law& law, const LawShape& shape) : tensors(draw(law, shape)), plan(plan_of(shape)) {}
  Drawn(const Drawn&) = delete;
  Drawn& operator=(const Drawn&) = delete;

  Plan plan_of(const LawShape& shape) const {
    return make_plan(recipe_named("fa2-torch"), chip_named("h200"),
                     {.batch = 1,
                      .heads = shape.heads,
                      .kv_heads = shape.heads,
                      .rows = shape.rows,
                      .keys = shape.keys,
                      .dim = shape.dim,
                      .format = shape.format,
                      .scale = default_scale(shape.dim),
                      .launch = {.batch = 1, .heads = 1024},
                      .q = tensors.q,
                      .k = tensors.k,
                      .v = tensors.v},
                     {});
  }
  double mean_error() const {
    const JudgedRun run = run_judged(plan, {.threads = 2, .logging = Logging::off});
    return summarise(run.o_errors.statistics()).by_value.mean;
  }
};

}  // namespace

TEST_SUITE("law") {
  TEST_CASE("a normal law has mean 0 and deviation 1, a uniform one 1/2 and sqrt(1/12)") {
    // 65,536 numbers: standard errors 0.004 and 0.0011 of the means, 0.0028 and 0.0005 of the
    // deviations; bounds of five.
    const auto normal = spread_of(draw({.kind = LawKind::normal}, {}).q);
    CHECK(std::abs(normal.mean) < 0.02);
    CHECK(std::abs(normal.deviation - 1) < 0.014);
    const auto uniform = spread_of(draw({.kind = LawKind::uniform}, {}).v);
    CHECK(std::abs(uniform.mean - 0.5) < 0.0056);
    CHECK(std::abs(uniform.deviation - std::sqrt(1.0 / 12)) < 0.0025);
  }

  TEST_CASE("the same seed gives the same codes, another one others") {
    const LawShape shape{.rows = 8, .keys = 8};
    for (const auto& row : law_table) {
      CAPTURE(row.name);
      const auto first = draw({.kind = row.kind, .seed = 7}, shape);
      CHECK(first.q == draw({.kind = row.kind, .seed = 7}, shape).q);
      CHECK(first.q != draw({.kind = row.kind, .seed = 8}, shape).q);
      CHECK(first.q != first.k);
    }
  }

  TEST_CASE("outliers scale every 16th row of Q and K") {
    const LawShape shape{.rows = 32, .keys = 32};
    const auto plain = draw({.kind = LawKind::normal}, shape);
    const auto scaled = draw({.kind = LawKind::outliers, .outlier = 4}, shape);
    CHECK(double_value(bf16, uint64_t{scaled.q[0]}) ==
          4 * double_value(bf16, uint64_t{plain.q[0]}));
    CHECK(scaled.q[64] == plain.q[64]);
    CHECK(scaled.v == plain.v);
  }

  TEST_CASE("ties are met by every row, under a causal mask too once there are two keys") {
    const Drawn drawn({.kind = LawKind::ties, .maxima = 2}, {.rows = 256, .keys = 256});
    CHECK(monitor_heads(drawn.plan, {})[0].rows_by_maxima ==
          std::array<int64_t, 5>{0, 256, 0, 0, 0});
    Plan causal = drawn.plan;
    causal.problem.mask = causal_mask;
    CHECK(monitor_heads(causal, {})[0].rows_by_maxima == std::array<int64_t, 5>{1, 255, 0, 0, 0});
  }

  TEST_CASE("the resonance comes and goes with the gap") {
    const auto bias = [](double gap) {
      return Drawn({.kind = LawKind::ties, .gap = gap, .sink = 0.5}, {}).mean_error();
    };
    CHECK(std::abs(bias(12)) < 0.02);  // too much weight beside the maxima
    CHECK(bias(20) < -0.23);           // the law of two maxima: a quarter of an ulp
    CHECK(bias(20) > -0.26);
    CHECK(std::abs(bias(40)) < 0.02);  // none that binary32 feels
  }

  TEST_CASE("the sinks' values set the sign, and three maxima end it") {
    const auto bias = [](double sink, int64_t maxima) {
      return Drawn({.kind = LawKind::ties, .maxima = maxima, .sink = sink}, {}).mean_error();
    };
    CHECK(bias(0.5, 2) < -0.19);
    CHECK(std::abs(bias(1, 2)) < 0.04);
    CHECK(bias(2, 2) > 0.19);
    CHECK(std::abs(bias(0.5, 3)) < 0.04);
    CHECK(bias(0.5, 1) > 0.03);  // one maximum: the other sign
  }

  TEST_CASE("impossible laws are refused") {
    CHECK_THROWS_AS(law_named("cauchy"), Error);
    CHECK_THROWS_AS(draw({}, {.rows = 0}), Error);
    CHECK_THROWS_AS(draw({.kind = LawKind::ties, .maxima = 9}, {.rows = 8, .keys = 8}), Error);
    CHECK_THROWS_AS(draw({.kind = LawKind::ties}, {.dim = 1}), Error);
    CHECK_THROWS_AS(draw({}, {.format = fp32}), Error);
  }
}
