#include "ulpscope/attention/row_sum.hpp"

#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include <vector>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct ColumnSink {
  static constexpr bool enabled = true;
  std::vector<int64_t> columns{};
  void add(Site, int64_t, int64_t column, const Record&) { columns.push_back(column); }
};

}  // namespace

TEST_CASE("lanes that begin behind the last key are entered at it") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 130, .dim = 32});
  for (const Recipe* recipe : {&fa2_torch, &memeff_torch}) {
    const Plan plan = make_plan(*recipe, chip_named("h200"), owned.problem, {});
    ColumnSink sink;
    const Machine<ColumnSink> machine(plan, sink);
    std::vector<uint32_t> p(static_cast<size_t>(plan.tile_keys), 0);
    p[0] = p[1] = 0x3F00'0000;
    RowState state{.maximum = 0, .lane_sums = {0x3F80'0000}, .fresh = false};
    const KeySpan keys{.first = 128, .count = plan.tile_keys, .begin = 0, .end = 2};
    add_to_row_sum(machine, 0, keys, p.data(), 0x3F80'0000, true, state);
    CHECK_FALSE(sink.columns.empty());
    for (const int64_t column : sink.columns) CHECK(column < 130);
    CHECK(row_sum_of(machine, 0, state) == 0x4000'0000);
  }
}
