// Where the paper's mitigation breaks, as an H200 ran it and as the pass computes it: the clamp of
// tile sums, which its code has, and the underflow of P, which its formula has without one
// (docs/numerics/clamp.md).
#include "ulpscope/analysis/treatment.hpp"
#include "ulpscope/attention/recipes/kernel.hpp"
#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/judged_run.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/tensor/open.hpp"
#include "ulpscope/trace/bias.hpp"

#include <cmath>

#include "captured/recorded.hpp"
#include "captured/resonance.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// The three heads at the gap of 16.
constexpr int64_t first_recorded = 6;

Plan plan_of(const StoredHeads& heads, const Recipe& recipe, const char* stable = nullptr) {
  Plan plan = make_plan(recipe, chip_named("h200"), heads.problem, {});
  if (stable != nullptr) apply(parse_stable(stable), plan);
  return plan;
}

// Elements of head 6 that differ from the recording; NaN agrees with NaN.
int64_t differences(const char* recorded, const char* stable, int doublings = 0) {
  const StoredHeads heads(first_recorded, 1, doublings);
  const auto run = run_judged(plan_of(heads, paper_eager, stable),
                              {.threads = 2, .logging = Logging::off, .judging = Judging::off});
  const auto expected =
      codes_of_heads(open_tensors(capture_folder("h200_clamp") / "clamp.npz"), recorded, 0, 1);
  int64_t count = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const uint64_t ours = run.o[i];
    const uint64_t theirs = expected[i];
    count += ours != theirs && !(is_nan(bf16, ours) && is_nan(bf16, theirs));
  }
  return count;
}

double mean(const OutputErrors& errors) { return summarise(errors.exact).by_value.mean; }

// To the third digit, as the recording's README prints it.
void check_means(const std::vector<TreatedHead>& heads, const std::array<double, 3>& expected) {
  REQUIRE(heads.size() == expected.size());
  for (size_t h = 0; h < expected.size(); ++h) {
    CAPTURE(h);
    CHECK(std::abs(mean(heads[h].all) - expected[h]) <= 0.0006);
  }
}

constexpr TreatmentOptions from_row_64{.first_row = 64, .threads = 2};

}  // namespace

TEST_SUITE("clamp") {
  TEST_CASE("the paper's code with other factors and clamps gives the GPU's bits") {
    CHECK(differences("beta2", "beta=2,tol=0,clamp=none") == 0);
    CHECK(differences("beta7", "beta=7,tol=0,clamp=none") == 0);
    CHECK(differences("beta7_clamp", "beta=7,tol=1e-3,clamp=1e-10") == 0);
    CHECK(differences("beta2_clamp_q2", "beta=2,tol=1e-3,clamp=1e-10", 1) == 0);
    CHECK(differences("beta2_q8", "beta=2,tol=0,clamp=none", 3) == 0);
    CHECK(differences("beta2_clamp_q2", "beta=2,tol=1e-3,clamp=none", 1) > 1000);
  }

  TEST_CASE("the clamp is what the mitigation's own bias comes from, from maxima of 18 on") {
    const StoredHeads heads(first_recorded, 3);
    const Plan plain = plan_of(heads, paper_eager);
    const auto reference = forward_reference(plain, {.threads = 2});
    OutputWitness witness(plain, reference, {});
    const auto before = witness.errors(plain, from_row_64).value();
    const auto clamped = witness.errors(plan_of(heads, paper_eager_stable), from_row_64).value();
    const auto free =
        witness.errors(plan_of(heads, paper_eager, "beta=2,tol=1e-3,clamp=none"), from_row_64)
            .value();
    check_means(before, {-0.214, -0.239, -0.237});
    check_means(clamped, {0.498, 0.456, 0.460});
    check_means(free, {-0.024, -0.037, -0.030});

    const auto& by_maximum = clamped.front().by_maximum;
    CHECK(std::abs(mean(by_maximum.at(16))) < 0.05);
    CHECK(std::abs(mean(by_maximum.at(18)) - 1.886) < 0.001);
    CHECK(std::abs(mean(by_maximum.at(20)) - 3.864) < 0.001);
    CHECK(std::abs(mean(free.front().by_maximum.at(18))) < 0.05);
    CHECK(std::abs(mean(free.front().by_maximum.at(20))) < 0.1);
  }

  TEST_CASE("compiled, as the paper trains, likewise") {
    const StoredHeads heads(first_recorded, 3);
    const Plan stable = plan_of(heads, paper_compiled_stable);
    const auto reference = forward_reference(stable, {.threads = 2});
    OutputWitness witness(stable, reference, {});
    const auto clamped = witness.errors(stable, from_row_64).value();
    Plan without = stable;
    without.maximum.tile_least = 0;
    check_means(clamped, {0.589, 0.544, 0.561});
    check_means(witness.errors(without, from_row_64).value(), {-0.019, -0.035, -0.019});
  }
}
