// Who is accused on the recording at the resonance, where an H200's kernels gave the same bits as
// the pass (fa2_torch_test.cpp, paper_test.cpp): one head each that is biased beyond doubt.
#include "ulpscope/analysis/attribution.hpp"

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <cmath>

#include "captured/resonance.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Accused {
  std::string_view step;  // empty where nobody is, or several
  double bias;            // ulp
  double left;            // by the one step that leaves the least; the bias where there is none
};

Accused accused(const TensorAttribution& tensor) {
  const auto cause = tensor.cause(0);
  const auto remedy = tensor.remedy(0);
  const double bias = tensor.kernel[0].bias.mean;
  return {.step = cause && cause->suspects.size() == 1 ? cause->suspects[0].name() : "",
          .bias = bias,
          .left = remedy ? remedy->left.bias.mean : bias};
}

Attribution attributed(const StoredHeads& head, const char* kernel) {
  const Plan plan = make_plan(recipe_named(kernel), chip_named("h200"), head.problem, {});
  return attribute({.plan = plan}, {.threads = 2});
}

// The third digit is what the recording's README prints, of rows 64 and on; these are of all rows.
constexpr double digits = 0.01;

}  // namespace

TEST_SUITE("attribution of the recording") {
  TEST_CASE("FlashAttention-2: the store of O, which made exact removes all of it; delta with it") {
    const StoredHeads head(8, 1);
    const Plan plan = make_plan(recipe_named("fa2-torch"), chip_named("h200"), head.problem, {});
    const auto backward = make_backward_plan(plan, head.problem);
    const auto tensors =
        attribute({.plan = plan, .backward = &backward, .dout = head.dout}, {.threads = 2}).tensors;
    const Accused o = accused(tensors.at(0));
    CHECK(o.step == "output_store");
    CHECK(std::abs(o.bias - 0.166) < digits);
    CHECK(std::abs(o.left) < 0.001);
    CHECK(accused(tensors.at(1)).step == "output_store");
    CHECK(tensors.at(1).biased(0));
    CHECK(std::abs(accused(tensors.at(1)).left) < 0.001);
  }

  TEST_CASE("the paper's code: the rounding of P.V, which others repeat where it is made exact") {
    const StoredHeads head(5, 1);
    const auto tensors = attributed(head, "paper-eager").tensors;
    const Accused o = accused(tensors.at(0));
    CHECK(o.step == "output_accumulate");
    CHECK(std::abs(o.bias + 0.241) < digits);
    CHECK(o.left == o.bias);  // no single step removes it
  }

  TEST_CASE("its mitigation at a gap of 16: the clamp of the tile sums") {
    const StoredHeads head(6, 1);
    const auto tensors = attributed(head, "paper-compiled+stable").tensors;
    const Accused o = accused(tensors.at(0));
    CHECK(o.step == "row_sum_clamp");
    CHECK(std::abs(o.bias - 0.589) < digits);
    CHECK(std::abs(o.left) < 0.025);
  }
}
