// 10^9 sums of random codes by columns, on every instruction set of the machine, against the lanes,
// whose judge is the definition (tests/hardware): sums of one to three steps at Hopper's parameters
// and, a tenth of each, by the other chips'.
#include "ulpscope/hardware/chip.hpp"

#include "exhaustive/every_core.hpp"
#include "hardware/column_products.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr size_t rows = 256;
constexpr size_t columns = 512;
constexpr size_t tiles = 1'000'000'000 / (rows * columns) + 1;

// The sums of one tile; near and far exponents take turns.
ColumnTally one_tile(const MatrixUnit& unit, size_t tile) {
  OperandSource source(tile);
  const int64_t length = unit.sum.terms * static_cast<int64_t>(1 + tile % 3);
  const auto spread = static_cast<int>(tile % 71);
  const Factor a = random_factor(source, unit.input, spread, rows, length);
  const Factor b = random_factor(source, unit.input, spread, columns, length);
  const auto starts = source.codes(fp32, tile % 5 == 0 ? 140 : 2 * spread, 509);
  return compare(unit.sum, a, b, starts, Judge::lanes);
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
    std::vector<ColumnTally> of_tile(tiles);
    on_every_core(tiles, [&](size_t tile) {
      const MatrixUnit& hopper = matrix_unit(chip_named("h200"), tile % 2 == 0 ? bf16 : fp16);
      of_tile[tile] = one_tile(tile % 10 == 9 ? others[tile / 10 % others.size()] : hopper, tile);
    });
    ColumnTally tally;
    for (const ColumnTally& one : of_tile) tally.add(one);
    CHECK(tally.sums >= 1'000'000'000);
    CHECK(tally.different == 0);
    CHECK(tally.outside < tally.sums / 5);
    CHECK(tally.carried > 0);
    MESSAGE(tally.sums << " sums, " << tally.outside << " of them left to the lanes");
  });
}
