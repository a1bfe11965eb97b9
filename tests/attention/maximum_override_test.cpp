#include "ulpscope/attention/maximum_override.hpp"

#include "ulpscope/attention/maximum.hpp"
#include "ulpscope/attention/recipes/exact.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/kernel.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/trace/log.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

uint32_t bits(double x) { return Soft<fp32>(x).bits(); }
double value(uint32_t x) { return static_cast<double>(Soft<fp32>::from_bits(x)); }

constexpr uint32_t lowest_bf16 = 0xFF7F'0000;

struct Changed {
  OwnedProblem owned = random_problem(1, {.rows = 1, .keys = 64, .dim = 64}, bf16);
  Plan plan;

  Changed(const Recipe& recipe, const MaximumOverride& change)
      : plan(make_plan(recipe, chip_named("h200"), owned.problem, {})) {
    apply(change, plan);
  }
  Changed(const Changed&) = delete;
  Changed& operator=(const Changed&) = delete;

  // The row's maximum after one tile with these scores and so many hidden keys.
  double maximum_after(uint32_t old, const std::vector<double>& scores, int64_t hidden = 0) const {
    std::vector<uint32_t> registers;
    for (const double score : scores) registers.push_back(bits(score));
    NullSink sink;
    const Machine<NullSink> machine(plan, sink);
    const auto count = static_cast<int64_t>(registers.size());
    const KeySpan keys{
        .first = 0, .count = count + hidden, .begin = 0, .end = count, .hidden = hidden};
    return value(raised_maximum(machine, 0, old, keys, {registers.data(), registers.data()}));
  }
};

}  // namespace

TEST_CASE("the mitigation and the offset are read as they are written") {
  using Stable = MaximumOverride::Stable;
  CHECK(parse_stable("beta=7,tol=0,clamp=none") ==
        MaximumOverride{.stable = Stable{7, 0}, .clamp = 0.0});
  CHECK(parse_stable("tol=1e-3,beta=2") == MaximumOverride{.stable = Stable{2, 1e-3}});
  CHECK(parse_stable("beta=2,tol=1e-3,clamp=1e-10") ==
        MaximumOverride{.stable = Stable{2, 1e-3}, .clamp = 1e-10});
  CHECK(parse_offset("-0.5") == MaximumOverride{.offset = -0.5});
}

TEST_CASE("what is no mitigation is refused") {
  for (const char* text : {"", "beta=2", "tol=0", "beta=1,tol=0", "beta=0.5,tol=0", "beta=2,tol=-1",
                           "beta=2,tol=0,clamp=-1", "beta=none,tol=0", "beta=2,tol=none",
                           "beta=2,tol=0,clamp=", "beta=2,beta=3,tol=0", "beta=2,tol=0,gamma=1",
                           "beta=nan,tol=0", "beta=1e39,tol=0", "beta=2x,tol=0", "beta"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_stable(text), Error);
  }
  for (const char* text : {"", "x", "1 ", "inf", "1e39"})
    CHECK_THROWS_AS(parse_offset(text), Error);
}

TEST_CASE("any factor moves the maximum of any kernel, and a lone maximum stays") {
  for (const Recipe* recipe : {&kernel_of_binary32, &fa2_torch, &memeff_torch}) {
    CAPTURE(recipe->name);
    const Changed changed(*recipe, parse_stable("beta=7,tol=0"));
    CHECK(changed.maximum_after(minus_infinity32, {3, 3, 1}) == 21);
    CHECK(changed.maximum_after(minus_infinity32, {-3, -3}) == 0);
    CHECK(changed.maximum_after(minus_infinity32, {3, 2}) == 3);
    CHECK(changed.maximum_after(bits(40), {3, 3}) == 40);
  }
}

TEST_CASE("keys that a fused kernel leaves out are no equal maxima") {
  const Changed changed(fa2_torch, parse_stable("beta=2,tol=0"));
  CHECK(changed.maximum_after(bits(-5), {}, 8) == -5);
  CHECK(changed.maximum_after(bits(-5), {-3}, 8) == -3);
}

TEST_CASE("the product is rounded once, to bf16 where the maximum is kept in it") {
  // 7 x 1.0078125 = 7.0546875, between 7.03125 and 7.0625 of bf16.
  const MaximumOverride seven = parse_stable("beta=7,tol=0");
  const std::vector<double> scores{1.0078125, 1.0078125};
  CHECK(Changed(kernel_of_binary32, seven).maximum_after(minus_infinity32, scores) == 7.0546875);
  CHECK(Changed(paper_eager, seven).maximum_after(lowest_bf16, scores) == 7.0625);
}

TEST_CASE("tolerance and offset are natural units, whatever the kernel's scores are") {
  // Head size 64: raw scores are 8 times the natural ones, those of base 2 log2 e times.
  const MaximumOverride near = parse_stable("beta=2,tol=0.5");
  const auto moved = [&](const Recipe& recipe, double below) {
    return Changed(recipe, near).maximum_after(minus_infinity32, {10, 10 - below}) > 15;
  };
  CHECK(moved(kernel_of_binary32, 0.49));
  CHECK_FALSE(moved(kernel_of_binary32, 0.51));
  CHECK(moved(fa2_torch, 3.9));
  CHECK_FALSE(moved(fa2_torch, 4.1));
  CHECK(moved(memeff_torch, 0.72));
  CHECK_FALSE(moved(memeff_torch, 0.73));

  const MaximumOverride offset = parse_offset("0.25");
  CHECK(Changed(kernel_of_binary32, offset).maximum_after(minus_infinity32, {3, 2}) == 3.25);
  CHECK(Changed(fa2_torch, offset).maximum_after(minus_infinity32, {3, 2}) == 5);
  CHECK(Changed(fa2_torch, offset).maximum_after(bits(-7), {}, 8) == -7);
}

TEST_CASE("the least sum of a tile is the kernel's own unless it is asked for") {
  CHECK(Changed(paper_eager, parse_stable("beta=2,tol=0")).plan.maximum.tile_least ==
        paper_eager.row_sum.tile_least);
  CHECK(Changed(paper_eager, parse_stable("beta=2,tol=0,clamp=none")).plan.maximum.tile_least == 0);
  CHECK(Changed(kernel_of_binary32, parse_stable("beta=2,tol=0,clamp=1e-10"))
            .plan.maximum.tile_least == bits(1e-10));
}

TEST_CASE("a clamp lifts the sum of a tile: O shrinks by as much") {
  // One tile of equal scores: P = 1, l = 64; lifted to 128 it halves O.
  OwnedProblem owned = random_problem(2, {.rows = 1, .keys = 64, .dim = 8}, bf16);
  std::fill(owned.q.begin(), owned.q.end(), uint16_t{0});
  const Plan plain = make_plan(kernel_of_binary32, chip_named("h200"), owned.problem, {});
  Plan clamped = plain;
  apply({.clamp = 128.0}, clamped);
  const auto o = run_one_head(plain).o;
  const auto half = run_one_head(clamped).o;
  for (size_t d = 0; d < o.size(); ++d) {
    CHECK(2 * value(detail::widened(bf16, half[d])) == value(detail::widened(bf16, o[d])));
  }
}

TEST_CASE("kernels without a maximum or a tile sum say so") {
  CHECK_THROWS_AS(Changed(exact_attention, parse_offset("1")), Error);
  CHECK_THROWS_AS(Changed(fa2_torch, parse_stable("beta=2,tol=0,clamp=1e-10")), Error);
  const Changed none(fa2_torch, parse_stable("beta=2,tol=0,clamp=none"));
  CHECK(none.plan.maximum.tile_least == 0);
}

TEST_CASE("a change is described in words, and none in none") {
  CHECK(description({}).empty());
  CHECK(description(parse_stable("beta=7,tol=0,clamp=none")) ==
        "stable maximum, beta 7, tolerance 0, no clamp");
  CHECK(description(parse_offset("0.1")) == "maximum + 0.1");
}
