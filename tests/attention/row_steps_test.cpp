#include "ulpscope/attention/row_steps.hpp"

#include <vector>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Entry {
  int64_t row;
  int64_t column;
  Record record;

  friend bool operator==(const Entry& x, const Entry& y) {
    return x.row == y.row && x.column == y.column && x.record.residue == y.record.residue &&
           x.record.flags == y.record.flags && x.record.negative == y.record.negative;
  }
};

// A sink that listens, so that every element goes one by one.
struct ListSink {
  static constexpr bool enabled = true;
  std::vector<Entry> entries = {};
  void add(Site, int64_t row, int64_t column, const Record& r) {
    entries.push_back({row, column, r});
  }
};

// One that takes rows.
struct RowSink : ListSink {
  void add_row(Site site, int64_t row, int64_t first, const RecordRow& records) {
    for (size_t i = 0; i < records.size(); ++i) {
      add(site, row, first + static_cast<int64_t>(i), records[i]);
    }
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

// The row steps of one cast, on registers of all kinds: with nobody listening, one by one, and with
// their records row by row.
void check_cast(const Cast& cast) {
  auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = plan_of(owned, {{Site::rescale, cast}});
  NullSink nobody;
  ListSink somebody;
  RowSink by_row;
  const Machine<NullSink> silent(plan, nobody);
  const Machine<ListSink> watched(plan, somebody);
  const Machine<RowSink> logged(plan, by_row);
  Random random(7);
  constexpr int64_t count = 300;
  const Elements at{.row = 1, .first = 10, .count = count};
  for (int turn = 0; turn < 20; ++turn) {
    const auto x = random_registers(random, count);
    const auto y = random_registers(random, count);
    const auto each = [&](const auto& run) {
      auto fast = x;
      auto slow = x;
      auto recorded = x;
      silent.at(Site::rescale, [&](auto step) { run(step, fast.data()); });
      watched.at(Site::rescale, [&](auto step) { run(step, slow.data()); });
      logged.at(Site::rescale, [&](auto step) { run(step, recorded.data()); });
      REQUIRE(fast == slow);
      REQUIRE(recorded == slow);
    };
    each([&](const auto& step, uint32_t* to) { multiply_elements(step, at, to, y[0], to); });
    each([&](const auto& step, uint32_t* to) { multiply_elements(step, at, to, y.data(), to); });
    each([&](const auto& step, uint32_t* to) { subtract_from_elements(step, at, to, y[0], to); });
    each([&](const auto& step, uint32_t* to) {
      multiply_add_elements(step, at, to, y[0], y[1], to);
    });
    each([&](const auto& step, uint32_t* to) { add_elements(step, at, to, y.data(), to); });
    each([&](const auto& step, uint32_t* to) { cast_elements(step, at, to); });
  }
  CHECK(somebody.entries.size() == 20 * 6 * count);
  CHECK(somebody.entries[count - 1].row == 1);
  CHECK(somebody.entries[count - 1].column == 10 + count - 1);
  CHECK((by_row.entries == somebody.entries));
}

}  // namespace

TEST_CASE("whole rows have their elements' bits and records, whatever the site rounds to") {
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
