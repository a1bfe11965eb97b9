// 10^9 sums of random codes by columns, on every instruction set of the machine, against the lanes,
// whose judge is the definition (tests/hardware): sums of one to three steps at Hopper's parameters
// and, a tenth of each, by the other chips'.
#include "ulpscope/hardware/chip.hpp"

#include "hardware/column_products.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr int64_t sums_of_each_target = 1'000'000'000;
constexpr int64_t rows = 256;
constexpr int64_t columns = 512;

// The sums of one tile; near and far exponents take turns.
ColumnTally one_tile(OperandSource& source, const MatrixUnit& unit, int turn) {
  const int64_t length = unit.sum.terms * (1 + turn % 3);
  const int spread = turn % 71;
  return compare(unit.sum, random_factor(source, unit.input, spread, rows, length),
                 random_factor(source, unit.input, spread, columns, length),
                 source.codes(fp32, turn % 5 == 0 ? 140 : 2 * spread, 509), Judge::lanes);
}

}  // namespace

TEST_CASE("10^9 sums by columns have the bits of the lanes, on every instruction set") {
  std::vector<MatrixUnit> others;
  for (const Chip& chip : chips) {
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms != 0) others.push_back(unit);
    }
  }
  on_every_target([&] {
    OperandSource source(11);
    ColumnTally tally;
    for (int turn = 0; tally.sums < sums_of_each_target; ++turn) {
      const Format& f = turn % 2 == 0 ? bf16 : fp16;
      const MatrixUnit& hopper = matrix_unit(chip_named("h200"), f);
      const auto other = static_cast<size_t>(turn / 10) % others.size();
      tally.add(one_tile(source, turn % 10 == 9 ? others[other] : hopper, turn));
    }
    CHECK(tally.different == 0);
    CHECK(tally.outside < tally.sums / 5);
    CHECK(tally.carried > 0);
    MESSAGE(tally.sums << " sums, " << tally.outside << " of them left to the lanes");
  });
}
