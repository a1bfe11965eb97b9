#include "ulpscope/compare/reachable.hpp"

#include "ulpscope/attention/recipes/backward.hpp"
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_pip.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/base/error.hpp"

#include <algorithm>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Every order, one after the other.
std::vector<uint32_t> sums_of_all_orders(std::vector<uint32_t> parts) {
  std::vector<uint32_t> sums;
  std::sort(parts.begin(), parts.end());
  do {
    uint32_t sum = 0;
    for (const uint32_t part : parts) sum = fadd(sum, part);
    sums.push_back(sum);
  } while (std::next_permutation(parts.begin(), parts.end()));
  std::sort(sums.begin(), sums.end());
  sums.erase(std::unique(sums.begin(), sums.end()), sums.end());
  return sums;
}

constexpr uint32_t one = 0x3F80'0000;
constexpr uint32_t half_ulp_of_one = 0x3380'0000;  // 2^-24

}  // namespace

TEST_CASE("two small parts count where they meet before the large one") {
  CHECK(reachable_sums(std::array{one, half_ulp_of_one, half_ulp_of_one}) ==
        std::vector<uint32_t>{one, one + 1});
  CHECK(reachable_sums(std::array{one, one}) == std::vector<uint32_t>{0x4000'0000});
  CHECK(reachable_sums(std::span<const uint32_t>{}) == std::vector<uint32_t>{0});
}

TEST_CASE("the sets of sums are those of all orders") {
  Random random(3);
  size_t largest = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<uint32_t> parts(6);
    for (auto& part : parts) {
      part = static_cast<uint32_t>(random.word() & 0x807F'FFFF) |
             static_cast<uint32_t>(120 + random.below(8)) << 23;
    }
    const auto sums = reachable_sums(parts);
    CHECK(sums == sums_of_all_orders(parts));
    largest = std::max(largest, sums.size());
  }
  CHECK(largest > 1);
}

TEST_CASE("more parts than can be tried are refused") {
  CHECK_THROWS_AS(reachable_sums(std::vector<uint32_t>(17, one)), Error);
}

TEST_CASE("parts of dQ are those that the pass adds, and its own order is among the orders") {
  Recipe recipe = fa2_torch;
  recipe.alignment = Alignment::top_left;
  recipe.backward = &cudnn_backward;
  const auto owned = random_problem(8, {.rows = 20, .keys = 400, .dim = 32});
  Random random(9);
  const auto dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
  const BackwardPlan backward = make_backward_plan(plan, owned.problem);
  CHECK(has_unordered_dq(backward));
  const std::vector<uint32_t> o(owned.q.size(), one);
  const std::vector<uint32_t> lse(20, 0x40C0'0000);  // 6
  const BackwardInputs inputs{.dout = dout, .o = o, .lse = lse};
  const BackwardOptions silent{.logging = Logging::off};
  const auto parts = query_gradient_parts(backward, inputs, silent);
  REQUIRE(parts.parts == 4);
  const auto dq = run_backward(backward, inputs, silent).dq;
  int64_t strangers = 0;
  for (size_t i = 0; i < dq.size(); ++i) {
    const uint64_t code = code_of(bf16, dq[i]);
    CHECK(parts.reach(bf16, i, code));
    strangers += parts.reach(bf16, i, code + 2) ? 1 : 0;
  }
  CHECK(strangers == 0);
}

TEST_CASE("atomics flush what becomes subnormal on the way") {
  const std::array parts{0x0080'0000U, 0x8080'0001U};  // 2^-126 and just below its negative
  CHECK(reachable_sums(parts) == std::vector<uint32_t>{0x8000'0001});
  CHECK(reachable_sums(parts, Addition::atomic) == std::vector<uint32_t>{0x8000'0000});
}

namespace {

// FlashAttention-2 without a fixed order, on a problem of four key tiles; dQ before it is rounded
// to 16 bits, which hides most orders.
struct Unordered {
  Unordered(const Recipe& recipe, const Mask& mask)
      : owned(random_problem(21, {.rows = 150, .keys = 420, .dim = 32, .mask = mask})) {
    owned.problem.launch.gradient_order = GradientOrder::any;
    Random random(22);
    dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
    const SiteOverride in_full{Site::dq_store, {fp32, nearest_even}};
    plan = make_plan(recipe, chip_named("h200"), owned.problem, {&in_full, 1});
    backward = make_backward_plan(plan, owned.problem);
    o.assign(owned.q.size(), one);
    lse.assign(150, 0x40C0'0000);  // 6
  }
  BackwardInputs inputs() const { return {.dout = dout, .o = o, .lse = lse}; }
  Gradients run(const BackwardPlan& p) const {
    return run_backward(p, inputs(), {.logging = Logging::off});
  }

  OwnedProblem owned;
  std::vector<uint16_t> dout;
  std::vector<uint32_t> o, lse;
  Plan plan{};
  BackwardPlan backward{};
};

}  // namespace

TEST_CASE("without a fixed order FlashAttention-2 has one buffer, and any order may be") {
  for (const Recipe* recipe : {&fa2_torch, &fa2_pip}) {
    for (const Mask& mask : {no_mask, causal_mask, Mask{.left = 200, .right = 3}}) {
      const Unordered u(*recipe, mask);
      CHECK(u.backward.dq_buffers == 1);
      CHECK(has_unordered_dq(u.backward));
      const auto parts = query_gradient_parts(u.backward, u.inputs(), {.logging = Logging::off});
      REQUIRE(parts.parts == 4);
      const Gradients ascending = u.run(u.backward);
      int64_t strangers = 0;
      int64_t other_values = 0;
      for (size_t i = 0; i < ascending.dq.size(); ++i) {
        uint32_t descending = 0;
        for (size_t t = 4; t-- > 0;) descending = red_add(descending, parts.dq[t][i]);
        descending = fmul(descending, u.owned.problem.scale);
        const bool both = parts.reach(fp32, i, ascending.dq[i]) && parts.reach(fp32, i, descending);
        strangers += both ? 0 : 1;
        strangers += parts.reach(fp32, i, ascending.dq[i] ^ 0x10'0000) ? 1 : 0;
        other_values += descending == ascending.dq[i] ? 0 : 1;
      }
      CHECK(strangers == 0);
      CHECK(other_values > 0);
    }
  }
}

TEST_CASE("dK and dV do not depend on the order that is asked for") {
  const Unordered u(fa2_torch, causal_mask);
  Problem ordered = u.owned.problem;
  ordered.launch = {.batch = 1, .heads = 60};
  Problem unordered = ordered;
  unordered.launch.gradient_order = GradientOrder::any;
  const Gradients a = u.run(make_backward_plan(u.plan, ordered));
  const Gradients b = u.run(make_backward_plan(u.plan, unordered));
  CHECK(a.dk == b.dk);
  CHECK(a.dv == b.dv);
  CHECK(a.dq != b.dq);
}

TEST_CASE("kernels with one mode keep it, and an unknown mode is refused") {
  const auto backward_of = [](const Recipe& recipe) {
    auto owned = random_problem(23, {.rows = 20, .keys = 400, .dim = 32});
    owned.problem.launch.gradient_order = GradientOrder::any;
    const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
    return has_unordered_dq(make_backward_plan(plan, owned.problem));
  };
  CHECK(backward_of(cudnn_9_19));
  CHECK_FALSE(backward_of(flex_triton));
  CHECK_THROWS_WITH_AS(backward_of(memeff_torch), doctest::Contains("without a fixed order"),
                       Error);
  auto ordered = random_problem(24, {.rows = 20, .keys = 400, .dim = 32});
  const Plan plan = make_plan(fa2_torch, chip_named("h200"), ordered.problem, {});
  const BackwardPlan backward = make_backward_plan(plan, ordered.problem);
  CHECK_FALSE(has_unordered_dq(backward));
  CHECK_THROWS_WITH_AS(query_gradient_parts(backward, {}, {}), doctest::Contains("no fixed order"),
                       Error);
}

TEST_CASE("a causal dQ has an order, and so have two key tiles") {
  Recipe recipe = fa2_torch;
  recipe.backward = &cudnn_backward;
  auto owned = random_problem(8, {.rows = 20, .keys = 256, .dim = 32});
  const auto unordered = [&] {
    const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
    return has_unordered_dq(make_backward_plan(plan, owned.problem));
  };
  CHECK_FALSE(unordered());
  owned = random_problem(8, {.rows = 20, .keys = 257, .dim = 32});
  CHECK(unordered());
  owned.problem.mask = causal_mask;
  CHECK_FALSE(unordered());
}
