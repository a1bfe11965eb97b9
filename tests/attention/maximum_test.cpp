#include "ulpscope/attention/maximum.hpp"

#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/trace/log.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

uint32_t bits(double x) { return Soft<fp32>(x).bits(); }

constexpr uint32_t lowest_bf16 = 0xFF7F'0000;

// The row's maximum after one tile with these scores and so many hidden keys.
uint32_t maximum_after(const Recipe& recipe, uint32_t old, std::vector<uint32_t> scores,
                       int64_t hidden = 0) {
  const OwnedProblem owned = random_problem(1, {.rows = 1, .keys = 8, .dim = 8}, bf16);
  const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
  NullSink sink;
  const Machine<NullSink> machine(plan, sink);
  const auto count = static_cast<int64_t>(scores.size());
  const KeySpan keys{
      .first = 0, .count = count + hidden, .begin = 0, .end = count, .hidden = hidden};
  return raised_maximum(machine, 0, old, keys, {scores.data(), scores.data()});
}

uint32_t stable_of(std::vector<double> scores) {
  std::vector<uint32_t> registers;
  for (const double score : scores) registers.push_back(bits(score));
  return maximum_after(paper_eager_stable, lowest_bf16, registers);
}

}  // namespace

TEST_CASE("a maximum that two scores reach is doubled above 0, and 0 below") {
  CHECK(stable_of({3, 3, 1}) == bits(6));
  CHECK(stable_of({1, 3}) == bits(3));
  CHECK(stable_of({-3, -4, -3}) == 0);
  CHECK(stable_of({-3, -4}) == bits(-3));
  CHECK(stable_of({0, 0}) == 0);
}

TEST_CASE("the tolerance reaches as far as its own rounding lets it") {
  // In bf16 0.375 - 0.001 is the number below 0.375, and 0.75 - 0.001 is 0.75 again.
  CHECK(stable_of({0.375, 0.373046875}) == bits(0.75));
  CHECK(stable_of({0.75, 0.74609375}) == bits(0.75));
  Recipe unrounded = paper_eager_stable;
  unrounded.input_format_sites = {};
  CHECK(maximum_after(unrounded, lowest_bf16, {bits(0.375), bits(0.373046875)}) == bits(0.375));
}

TEST_CASE("a tile of hidden keys alone has the lowest number, which the stable step makes 0") {
  CHECK(maximum_after(paper_eager, minus_infinity32, {}, 8) == lowest_bf16);
  CHECK(maximum_after(paper_eager, bits(-2), {}, 8) == bits(-2));
  CHECK(maximum_after(paper_eager_stable, bits(-2), {}, 8) == 0);
  CHECK(maximum_after(paper_eager_stable, bits(5), {}, 8) == bits(5));
  CHECK(maximum_after(fa2_torch, minus_infinity32, {}, 8) == minus_infinity32);
}

TEST_CASE("hidden keys never count as equal to a maximum that is seen") {
  CHECK(maximum_after(paper_eager_stable, lowest_bf16, {bits(-100)}, 7) == bits(-100));
}
