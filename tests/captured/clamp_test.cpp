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
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr int64_t rows = 1024;
constexpr int64_t dim = 64;
constexpr int64_t head_size = rows * dim;
constexpr int64_t first_recorded = 6;

std::vector<uint16_t> codes_of(const TensorSource& source, const std::string& name, int64_t first,
                               int64_t heads) {
  Tensor tensor = source.read(name);
  const auto all = words<uint16_t>(tensor);
  return {all.begin() + first * head_size, all.begin() + (first + heads) * head_size};
}

// Some of the three heads at the gap of 16, Q times a power of two.
struct StoredHeads {
  std::vector<uint16_t> q, k, v;
  Problem problem;

  explicit StoredHeads(int64_t count, int doublings = 0) {
    const TensorSource source = open_tensors(capture_folder("h200_resonance") / "resonance.npz");
    q = codes_of(source, "q", first_recorded, count);
    k = codes_of(source, "k", first_recorded, count);
    v = codes_of(source, "v", first_recorded, count);
    // One more in the exponent of bf16, but for zeros and subnormals.
    for (uint16_t& code : q) {
      if ((code & 0x7F80) != 0) code = static_cast<uint16_t>(code + (doublings << 7));
    }
    problem = {.batch = 1,
               .heads = count,
               .kv_heads = count,
               .rows = rows,
               .keys = rows,
               .dim = dim,
               .format = bf16,
               .mask = causal_mask,
               .scale = default_scale(dim),
               .launch = {.batch = 2, .heads = 9},
               .q = q,
               .k = k,
               .v = v};
  }
  StoredHeads(const StoredHeads&) = delete;
  StoredHeads& operator=(const StoredHeads&) = delete;

  Plan plan(const Recipe& recipe, const char* stable = nullptr) const {
    Plan plan = make_plan(recipe, chip_named("h200"), problem, {});
    if (stable != nullptr) apply(parse_stable(stable), plan);
    return plan;
  }
};

// Elements of head 6 that differ from the recording; NaN agrees with NaN.
int64_t differences(const char* recorded, const char* stable, int doublings = 0) {
  const StoredHeads heads(1, doublings);
  const auto run = run_judged(heads.plan(paper_eager, stable),
                              {.threads = 2, .logging = Logging::off, .judging = Judging::off});
  const auto expected =
      codes_of(open_tensors(capture_folder("h200_clamp") / "clamp.npz"), recorded, 0, 1);
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
    const StoredHeads heads(3);
    const Plan plain = heads.plan(paper_eager);
    const auto reference = forward_reference(plain, {.threads = 2});
    OutputWitness witness(plain, reference, {});
    const auto before = witness.errors(plain, from_row_64).value();
    const auto clamped = witness.errors(heads.plan(paper_eager_stable), from_row_64).value();
    const auto free =
        witness.errors(heads.plan(paper_eager, "beta=2,tol=1e-3,clamp=none"), from_row_64).value();
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
    const StoredHeads heads(3);
    const Plan stable = heads.plan(paper_compiled_stable);
    const auto reference = forward_reference(stable, {.threads = 2});
    OutputWitness witness(stable, reference, {});
    const auto clamped = witness.errors(stable, from_row_64).value();
    Plan without = stable;
    without.maximum.tile_least = 0;
    check_means(clamped, {0.589, 0.544, 0.561});
    check_means(witness.errors(without, from_row_64).value(), {-0.019, -0.035, -0.019});
  }
}
