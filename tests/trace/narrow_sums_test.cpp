// Rows of records against the same records one by one, on every instruction set of the machine.
#include "ulpscope/trace/narrow_sums.hpp"

#include "ulpscope/trace/log.hpp"

#include <string>

#include "trace/records.hpp"
#include <doctest/doctest.h>
#include <hwy/highway.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// HWY_SCALAR, which is among them, goes one by one.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

constexpr int64_t tile_rows = 4;
constexpr int64_t columns = 300;

SiteStatistics statistics_of(TileLog& tile) {
  HeadLog head;
  head.take(tile);
  SiteStatistics run{};
  head.fold_into(run);
  return run;
}

// Residues by their size: around what a bin or a near tie ends at, and up to 2^bits.
int64_t random_residue(RandomErrors& random, int bits) {
  const auto sign = static_cast<int64_t>(random.word() % 2 * 2) - 1;
  switch (random.word() % 4) {
    case 0: return 0;
    case 1: return sign * static_cast<int64_t>(random.word() >> (64 - bits));
    case 2: {
      const auto sixteenths = static_cast<int64_t>(random.word() % 33);
      return sign * (sixteenths << 28) + static_cast<int64_t>(random.word() % 3) - 1;
    }
    default: {
      const auto power = random.word() % static_cast<uint64_t>(bits);
      return sign * (int64_t{1} << power) + static_cast<int64_t>(random.word() % 3) - 1;
    }
  }
}

constexpr Flag all_flags = Flag::inexact | Flag::underflow | Flag::overflow | Flag::carry_out |
                           Flag::round_carry | Flag::tie | Flag::away | Flag::subnormal |
                           Flag::residue_truncated | Flag::judged | Flag::underflow_after |
                           Flag::broken_tie;

// Records of any kind whose flags are among those given.
Record random_record(RandomErrors& random, int bits, Flag among) {
  return {.residue = random_residue(random, bits),
          .flags = static_cast<Flag>(static_cast<uint16_t>(random.word())) & among,
          .negative = random.word() % 2 != 0};
}

void check_rows(uint64_t seed, int turns, int bits, Flag among, Flag always) {
  RandomErrors random(seed);
  TileLog by_row(tile_rows, columns, 1);
  TileLog one_by_one(tile_rows, columns, 1);
  for (int turn = 0; turn < turns; ++turn) {
    RecordRow records;
    records.resize(random.word() % (RecordRow::room + 1));
    const auto row = static_cast<int64_t>(random.word() % tile_rows);
    const auto first = static_cast<int64_t>(random.word() % (columns - records.size() + 1));
    for (size_t i = 0; i < records.size(); ++i) {
      Record r = random_record(random, bits, among);
      r.flags |= always;
      records.set(i, r);
      one_by_one.add(Site::scores, row, first + static_cast<int64_t>(i), r);
    }
    by_row.add_row(Site::scores, row, first, records);
  }
  CHECK((statistics_of(by_row) == statistics_of(one_by_one)));
}

}  // namespace

TEST_CASE("a row of records counts as its records one by one, whatever they are") {
  on_every_target([] {
    constexpr Flag rounding = Flag::inexact | Flag::tie | Flag::away | Flag::carry_out;
    check_rows(1, 300, 31, rounding, Flag::none);
    check_rows(2, 300, 32, all_flags, Flag::none);
    check_rows(3, 300, 47, all_flags, Flag::none);
    check_rows(4, 300, 47, all_flags, Flag::judged);
    check_rows(5, 300, 32, Flag::none, Flag::judged);
    check_rows(6, 300, 63, all_flags | Flag::residue_saturated, Flag::none);
  });
}

TEST_CASE("a row is left to be added one by one if a residue is too large or missing") {
  on_every_target([] {
    NarrowSums narrow(8);
    Moments moments;
    Cluster row;
    RecordRow records;
    records.resize(5);
    for (size_t i = 0; i < 5; ++i) records.set(i, error(77));
    for (const Record& one : {error(int64_t{1} << 47), error(-(int64_t{1} << 47) - 1),
                              Record{0, Flag::residue_saturated | Flag::judged, false}}) {
      records.set(4, one);
      CHECK_FALSE(narrow.add_row(2, records, moments, row));
    }
    std::vector<Cluster> columns(8);
    narrow.spill(moments.histogram, columns);
    CHECK(moments == Moments{});
    CHECK(row.count == 0);
    for (const Cluster& column : columns) CHECK(column.count == 0);
  });
}

TEST_CASE("sums are spilled before they could overflow") {
  on_every_target([] {
    constexpr int64_t large = (int64_t{1} << 47) - 1;
    constexpr int rows = 70'000;
    TileLog tile(1, 3, 1);
    RecordRow records;
    records.resize(3);
    for (size_t i = 0; i < 3; ++i) records.set(i, error(large, i == 1));
    for (int i = 0; i < rows; ++i) tile.add_row(Site::scores, 0, 0, records);
    const Moments moments = statistics_of(tile)[index(Site::scores)].moments;
    CHECK(moments.count == 3 * rows);
    CHECK((moments.sum == int128{large} * 3 * rows));
    CHECK((moments.sum_away == int128{large} * rows));
    CHECK((moments.sum_squares == uint128{large} * uint128{large} * 3 * rows));
    CHECK(moments.histogram.counts()[static_cast<size_t>(ResidueHistogram::bin_of(large))] ==
          3 * rows);
  });
}
