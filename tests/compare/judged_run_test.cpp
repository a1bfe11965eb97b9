#include "ulpscope/compare/judged_run.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/attention/recipes/exact.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include <cmath>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Inputs {
  std::vector<uint16_t> q;
  std::vector<uint16_t> k;
  std::vector<uint16_t> v;
  Problem problem;

  Inputs(int64_t rows, int64_t keys, int64_t dim) {
    std::mt19937 random(7);
    std::normal_distribution<float> draw;
    const auto fill = [&](std::vector<uint16_t>& codes, int64_t count) {
      codes.resize(static_cast<size_t>(count));
      for (auto& code : codes) code = Soft<bf16>(draw(random)).bits();
    };
    fill(q, rows * dim);
    fill(k, keys * dim);
    fill(v, keys * dim);
    problem.rows = rows;
    problem.keys = keys;
    problem.dim = dim;
    problem.format = bf16;
    problem.scale = default_scale(dim);
    problem.q = q;
    problem.k = k;
    problem.v = v;
  }
};

}  // namespace

TEST_SUITE("judged run") {
  TEST_CASE("a reference computed before gives the same judgement") {
    const Inputs inputs(80, 96, 16);
    const auto plan = make_plan(fa2_torch, chip_named("h200"), inputs.problem, {});
    const auto reference = forward_reference(plan, {});
    const auto given = run_judged(plan, reference, {.threads = 2});
    const auto alone = run_judged(plan, {});
    CHECK(given.o_errors.statistics() == alone.o_errors.statistics());
    CHECK(given.lse_ulp == alone.lse_ulp);
    CHECK(given.reference.name == "wide");
  }

  TEST_CASE("exact rounds every element to the nearest code of the reference") {
    Inputs inputs(40, 40, 24);
    inputs.problem.mask = causal_mask;
    const auto plan = make_plan(exact_attention, chip_named("h200"), inputs.problem, {});
    const auto run = run_judged(plan, {.threads = 2});
    CHECK(run.o_errors.statistics().moments.count == 40 * 24);
    CHECK(run.o_errors.statistics().moments.largest <= uint64_t{1} << 31);
    // The first row sees one key: O is that V.
    for (size_t d = 0; d < 24; ++d) CHECK(run.o[d] == inputs.v[d]);
  }

  TEST_CASE("a row that sees no key is 0 with an infinite LSE in the kernel and the reference") {
    Inputs inputs(40, 8, 16);
    inputs.problem.mask = causal_mask;
    const auto plan = make_plan(fa2_torch, chip_named("h200"), inputs.problem, {});
    const auto run = run_judged(plan, {});
    CHECK(run.o[0] == 0);
    CHECK(run.lse[0] == 0x7F80'0000);
    CHECK(run.o_ulp[0] == doctest::Approx(0.0));
    CHECK(run.lse_errors.statistics().moments.skipped == 0);
  }
}
