#include "ulpscope/trace/log.hpp"

#include <algorithm>

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Entry {
  Site site;
  int64_t row;     // of the head
  int64_t column;  // key or feature
  Record record;
};

constexpr int64_t tile_rows = 4;
constexpr int64_t keys = 6;
constexpr int64_t features = 3;

int64_t extent(Axis axis) {
  switch (axis) {
    case Axis::none: return 1;
    case Axis::key: return keys;
    case Axis::feature: return features;
  }
  return 0;
}

std::vector<Entry> random_entries(uint64_t seed, int64_t rows, int count) {
  RandomErrors random(seed);
  std::vector<Entry> entries;
  for (int i = 0; i < count; ++i) {
    const SiteRow& site = site_table[random.word() % site_count];
    entries.push_back(
        {site.site, static_cast<int64_t>(random.word() % static_cast<uint64_t>(rows)),
         static_cast<int64_t>(random.word() % static_cast<uint64_t>(extent(site.axis))),
         random.next(50)});
  }
  return entries;
}

// A head through tiles, the tiles in the given order.
void log_head(const std::vector<Entry>& entries, const std::vector<int64_t>& tiles,
              SiteStatistics& run) {
  TileLog tile(tile_rows, keys, features);
  HeadLog head;
  for (const int64_t t : tiles) {
    for (const Entry& e : entries) {
      if (e.row / tile_rows == t) tile.add(e.site, e.row % tile_rows, e.column, e.record);
    }
    head.take(tile);
  }
  head.fold_into(run);
}

// The same without tiles: one cluster a row and a column of the head.
SiteStatistics at_once(const std::vector<Entry>& entries, int64_t rows) {
  SiteStatistics all{};
  for (const SiteRow& site : site_table) {
    std::vector<Cluster> by_row(static_cast<size_t>(rows));
    std::vector<Cluster> by_column(static_cast<size_t>(extent(site.axis)));
    ErrorStatistics& statistics = all[index(site.site)];
    for (const Entry& e : entries) {
      if (e.site != site.site) continue;
      statistics.moments.add(e.record);
      by_row[static_cast<size_t>(e.row)].add(e.record);
      by_column[static_cast<size_t>(e.column)].add(e.record);
    }
    fold_and_clear(by_row, statistics.rows);
    if (site.axis != Axis::none) fold_and_clear(by_column, statistics.columns);
  }
  return all;
}

}  // namespace

TEST_CASE("tiles of a head add up to the head, in any order") {
  const auto entries = random_entries(1, 16, 4000);
  const SiteStatistics expected = at_once(entries, 16);
  for (const auto& order : {std::vector<int64_t>{0, 1, 2, 3}, std::vector<int64_t>{2, 0, 3, 1}}) {
    SiteStatistics run{};
    log_head(entries, order, run);
    CHECK((run == expected));
  }
}

TEST_CASE("columns of different heads are clusters of their own") {
  const auto entries = random_entries(2, 8, 3000);
  SiteStatistics run{};
  log_head(entries, {0, 1}, run);
  log_head(entries, {1, 0}, run);
  const ErrorStatistics& stored = run[index(Site::output_store)];
  CHECK(stored.columns.clusters == 2 * features);
  CHECK(stored.rows.clusters == 16);
  CHECK(run[index(Site::scores)].columns.clusters == 2 * keys);
  SiteStatistics expected = at_once(entries, 8);
  for (auto& site : expected) site.merge(ErrorStatistics(site));
  CHECK((run == expected));
}

TEST_CASE("a site without a second index has clusters of rows alone") {
  const auto entries = random_entries(3, 8, 12000);
  SiteStatistics run{};
  log_head(entries, {0, 1}, run);
  for (const SiteRow& site : site_table) {
    const bool has_columns = run[index(site.site)].columns.clusters > 0;
    CHECK(has_columns == (site.axis != Axis::none));
    CHECK(run[index(site.site)].rows.clusters == 8);
  }
}

TEST_CASE("a tile that was taken starts again from nothing") {
  TileLog tile(tile_rows, keys, features);
  tile.add(Site::scores, 1, 2, error(77));
  HeadLog first;
  first.take(tile);
  HeadLog second;
  second.take(tile);
  SiteStatistics run{};
  second.fold_into(run);
  CHECK((run == SiteStatistics{}));
  first.fold_into(run);
  CHECK(run[index(Site::scores)].moments.count == 1);
  first.fold_into(run);  // folded once, a head is empty
  CHECK(run[index(Site::scores)].moments.count == 1);
}

TEST_CASE("a null sink is off and takes anything") {
  static_assert(!NullSink::enabled);
  static_assert(TileLog::enabled);
  NullSink sink;
  sink.add(Site::lse, 1'000'000, -1, error(1));
}
