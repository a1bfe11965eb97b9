#include "ulpscope/compare/judged_gradients.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Judged {
  OwnedProblem owned;
  std::vector<uint16_t> dout;
  JudgedGradients gradients;
};

Judged judged(const Shape& shape, const JudgedOptions& options,
              const std::vector<SiteOverride>& overrides = {}) {
  auto owned = random_problem(5, shape);
  Random random(6);
  const Problem& p = owned.problem;
  auto dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  const Plan plan = make_plan(fa2_torch, chip_named("h200"), p, overrides);
  const JudgedRun run = run_judged(plan, options);
  auto gradients = run_judged_gradients(make_backward_plan(plan, p), dout, run, options);
  return {std::move(owned), std::move(dout), std::move(gradients)};
}

// The middle of the magnitudes: elements that cancel to almost nothing do not move it.
double median(std::vector<float> ulps) {
  for (float& x : ulps) x = std::fabs(x);
  const auto middle = ulps.begin() + static_cast<long>(ulps.size() / 2);
  std::nth_element(ulps.begin(), middle, ulps.end());
  return static_cast<double>(*middle);
}

constexpr Shape grouped{.rows = 130, .keys = 70, .dim = 40, .heads = 4, .kv_heads = 2};

}  // namespace

TEST_CASE("every element of every gradient is judged once") {
  const auto x = judged(grouped, {.threads = 2});
  const auto count = [](const JudgedTensor& t) { return t.errors.statistics().moments.count; };
  CHECK(count(x.gradients.dq) == 4 * 130 * 40);
  CHECK(count(x.gradients.dk) == 2 * 70 * 40);
  CHECK(count(x.gradients.dv) == 2 * 70 * 40);
  CHECK(count(x.gradients.delta) == 4 * 130);
  CHECK(x.gradients.dq.codes.size() == x.gradients.dq.ulp.size());
}

TEST_CASE("every pair that a row sees is judged once, in P, dP and dS") {
  const auto full = judged(grouped, {.threads = 2}).gradients.pairs;
  CHECK(full.p.moments.count == 4 * 130 * 70);
  CHECK(full.dp.moments.count == full.p.moments.count);
  CHECK(full.ds.moments.count == full.p.moments.count);
  CHECK(full.p.rows.clusters == 4 * 130);
  CHECK(full.p.columns.clusters == 4 * 70);
  const auto causal = judged({.rows = 70, .keys = 70, .dim = 16, .mask = causal_mask}, {});
  CHECK(causal.gradients.pairs.ds.moments.count == 70 * 71 / 2);
  const auto quiet = judged(grouped, {.logging = Logging::off}).gradients.pairs;
  CHECK(quiet.p.moments.count == 0);
}

TEST_CASE("P and dS are the reference's up to their casts, dP up to the tensor core") {
  const Shape shape{.rows = 96, .keys = 96, .dim = 64};
  const auto ulps = [](uint64_t largest) { return static_cast<double>(largest) * 0x1p-32; };
  const auto pairs = judged(shape, {}).gradients.pairs;
  CHECK(ulps(pairs.p.moments.largest) > 0.49);
  CHECK(ulps(pairs.p.moments.largest) < 0.51);
  CHECK(pairs.dp.moments.larger + pairs.dp.moments.smaller > 0);
  // The cast of O reaches dS by way of delta.
  CHECK(ulps(pairs.ds.moments.largest) > 0.51);
  const auto narrow =
      judged(shape, {}, {parse_override("bwd_probability_cast=e4m3fn")}).gradients.pairs;
  CHECK(narrow.ds == pairs.ds);
  CHECK_FALSE(narrow.p == pairs.p);
}

TEST_CASE("a kernel that scales dS inside is judged with the scale") {
  const auto owned = random_problem(5, {.rows = 64, .keys = 64, .dim = 40});
  Random random(6);
  const auto dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  const Plan plan = make_plan(cudnn_9_19, chip_named("h200"), owned.problem, {});
  const auto gradients =
      run_judged_gradients(make_backward_plan(plan, owned.problem), dout, run_judged(plan, {}), {});
  // Against dS without it, errors would be five sixths of the values: some 150 ulps.
  CHECK(std::fabs(summarise(gradients.pairs.ds).by_magnitude.mean) < 5.0);
}

TEST_CASE("errors are those of 16-bit steps, and a narrower cast makes them larger") {
  const Shape shape{.rows = 96, .keys = 96, .dim = 64};
  const auto kernel = judged(shape, {});
  // The store alone gives a quarter of an ulp in the middle; P, dS and O in 8 bits add to it.
  for (const JudgedTensor* t : {&kernel.gradients.dk, &kernel.gradients.dv}) {
    CHECK(median(t->ulp) > 0.1);
    CHECK(median(t->ulp) < 4.0);
  }
  const auto narrow = judged(shape, {}, {parse_override("bwd_probability_cast=e4m3fn")});
  CHECK(median(narrow.gradients.dv.ulp) > 4.0 * median(kernel.gradients.dv.ulp));
  CHECK(narrow.gradients.dk.codes == kernel.gradients.dk.codes);
}

TEST_CASE("the number of threads changes no gradient and no statistic") {
  const auto one = judged(grouped, {.threads = 1}).gradients;
  const auto seven = judged(grouped, {.threads = 7}).gradients;
  CHECK(one.dq.codes == seven.dq.codes);
  CHECK(one.dk.codes == seven.dk.codes);
  CHECK(one.dv.codes == seven.dv.codes);
  CHECK(one.delta.codes == seven.delta.codes);
  CHECK(one.dk.ulp == seven.dk.ulp);
  CHECK(one.dq.errors.statistics() == seven.dq.errors.statistics());
  CHECK(one.pairs.p == seven.pairs.p);
  CHECK(one.pairs.ds == seven.pairs.ds);
  for (size_t i = 0; i < site_count; ++i) {
    CHECK(one.sites[i].moments.count == seven.sites[i].moments.count);
    CHECK(one.sites[i].moments.sum == seven.sites[i].moments.sum);
  }
}
