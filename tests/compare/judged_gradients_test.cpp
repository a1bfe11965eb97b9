#include "ulpscope/compare/judged_gradients.hpp"

#include "ulpscope/attention/recipes/fa2_torch.hpp"

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
  for (size_t i = 0; i < site_count; ++i) {
    CHECK(one.sites[i].moments.count == seven.sites[i].moments.count);
    CHECK(one.sites[i].moments.sum == seven.sites[i].moments.sum);
  }
}
