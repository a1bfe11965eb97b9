#include "ulpscope/compare/reference_outputs.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include <algorithm>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Call {
  explicit Call(const Shape& shape) : owned(random_problem(5, shape)) {
    Random random(6);
    dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  }
  Plan plan(const Recipe& recipe = fa2_torch) const {
    return make_plan(recipe, chip_named("h200"), owned.problem, {});
  }
  GradientReference gradients(const ReferenceOptions& options = {}) const {
    const Plan forward = plan();
    return gradient_reference(make_backward_plan(forward, owned.problem), dout, options);
  }

  OwnedProblem owned;
  std::vector<uint16_t> dout;
};

constexpr Shape grouped{.rows = 130, .keys = 70, .dim = 40, .heads = 4, .kv_heads = 2};

}  // namespace

TEST_CASE("small problems are computed by exact, larger ones by wide with a sample") {
  CHECK(forward_reference(Call({.rows = 16, .keys = 32, .dim = 16}).plan(), {}).report.name ==
        "exact");
  const Call large({.rows = 80, .keys = 96, .dim = 16});
  const auto report = forward_reference(large.plan(), {.threads = 2}).report;
  CHECK(report.name == "wide");
  CHECK(report.judged_elements >= 256);
  // Binary64 against 160 bits, in ulps of bfloat16: 2^-45 of 2^-8 and some room.
  CHECK(report.largest_difference_ulp < 0x1p-30);
  CHECK(report.largest_difference_ulp > 0.0);
}

TEST_CASE("eight rows of dQ and eight keys of dK and dV are held against 160 bits") {
  for (const Shape& shape : {Shape{.rows = 60, .keys = 50, .dim = 24}, grouped}) {
    const auto report = Call(shape).gradients({.threads = 2}).report;
    CHECK(report.judged_rows == 8);
    CHECK(report.judged_keys == 8);
    CHECK(report.exact_rows == (shape.heads == 1));  // 3,000 pairs, or 18,200 of a group
    for (const double difference :
         {report.dq_difference_ulp, report.dk_difference_ulp, report.dv_difference_ulp}) {
      CHECK(difference > 0.0);
      CHECK(difference < 0x1p-25);
    }
  }
}

TEST_CASE("a row that sees a single key has its V, and no dQ") {
  const Call call({.rows = 40, .keys = 40, .dim = 16, .mask = causal_mask});
  const auto reference = forward_reference(call.plan(), {});
  for (size_t d = 0; d < 16; ++d) {
    CHECK(reference.o[d] == doctest::Approx(static_cast<double>(
                                bit_cast<float>(static_cast<uint32_t>(call.owned.v[d]) << 16))));
  }
  const auto gradients = call.gradients();
  CHECK(std::all_of(gradients.dq.begin(), gradients.dq.begin() + 16,
                    [](double x) { return std::fpclassify(x) == FP_ZERO; }));
}

TEST_CASE("the number of threads changes no bit, and a stop is told") {
  const Call call(grouped);
  const auto one = call.gradients({.threads = 1});
  const auto seven = call.gradients({.threads = 7});
  CHECK(one.dq == seven.dq);
  CHECK(one.dk == seven.dk);
  CHECK(one.dv == seven.dv);
  CHECK(one.delta == seven.delta);
  const std::atomic<bool> stop = true;
  CHECK_FALSE(call.gradients({.stop = &stop}).complete);
  CHECK_FALSE(forward_reference(call.plan(), {.stop = &stop}).complete);
}

TEST_CASE("kernels share a reference where their masks meet the same pairs") {
  const Call square({.rows = 40, .keys = 40, .dim = 16, .mask = causal_mask});
  CHECK(share_reference(square.plan(), square.plan(cudnn_9_19)));
  const Call wide({.rows = 40, .keys = 60, .dim = 16, .mask = causal_mask});
  CHECK_FALSE(share_reference(wide.plan(), wide.plan(cudnn_9_19)));
  const Call folded({.rows = 1, .keys = 60, .dim = 16, .heads = 4, .kv_heads = 2});
  CHECK_FALSE(share_reference(folded.plan(), folded.plan(cudnn_9_19)));
}
