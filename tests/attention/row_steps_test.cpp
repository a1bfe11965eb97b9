#include "ulpscope/attention/row_steps.hpp"

#include <vector>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// A sink that listens, so that every element goes one by one.
struct CountingSink {
  static constexpr bool enabled = true;
  int64_t count = 0;
  int64_t columns = 0;
  void add(Site, int64_t, int64_t column, const Record&) {
    ++count;
    columns += column;
  }
};

std::vector<uint32_t> random_registers(Random& random, int64_t count) {
  std::vector<uint32_t> x(static_cast<size_t>(count));
  for (auto& one : x) {
    one = static_cast<uint32_t>(random.word());
    // Half of them where products and casts are subnormal or just normal.
    if (random.below(2) == 0)
      one = (one & 0x807F'FFFF) | static_cast<uint32_t>(random.below(3) + 62) << 23;
  }
  return x;
}

// The row steps of one cast, on registers of all kinds: with nobody listening and one by one.
void check_cast(const Cast& cast) {
  auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = plan_of(owned, {{Site::rescale, cast}});
  NullSink nobody;
  CountingSink somebody;
  const Machine<NullSink> silent(plan, nobody);
  const Machine<CountingSink> watched(plan, somebody);
  Random random(7);
  constexpr int64_t count = 300;
  const Elements at{.row = 1, .first = 10, .count = count};
  for (int turn = 0; turn < 20; ++turn) {
    const auto x = random_registers(random, count);
    const auto y = random_registers(random, count);
    const auto both = [&](const auto& run) {
      auto fast = x;
      auto slow = x;
      silent.at(Site::rescale, [&](auto step) { run(step, fast.data()); });
      watched.at(Site::rescale, [&](auto step) { run(step, slow.data()); });
      REQUIRE(fast == slow);
    };
    both([&](const auto& step, uint32_t* to) { multiply_elements(step, at, to, y[0], to); });
    both([&](const auto& step, uint32_t* to) { multiply_elements(step, at, to, y.data(), to); });
    both([&](const auto& step, uint32_t* to) { subtract_from_elements(step, at, to, y[0], to); });
    both([&](const auto& step, uint32_t* to) { add_elements(step, at, to, y.data(), to); });
    both([&](const auto& step, uint32_t* to) { cast_elements(step, at, to); });
  }
  CHECK(somebody.count == 20 * 5 * count);
  CHECK(somebody.columns == 20 * 5 * (10 * count + count * (count - 1) / 2));
}

}  // namespace

TEST_CASE("whole rows have the bits of their elements, whatever the site rounds to") {
  check_cast({fp32, nearest_even});
  check_cast({fp32, nearest_even_flushed});
  check_cast({bf16, nearest_even});
  check_cast({fp16, nearest_even});
  check_cast({e4m3fn, saturating(nearest_even)});
  check_cast({bf16, toward_zero});
  check_cast({tf32, to_odd});
  check_cast({bf16, nearest_even_flushed});
  check_cast({e2m1fn, nearest_even});
}
