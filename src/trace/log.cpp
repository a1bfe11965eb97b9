#include "ulpscope/trace/log.hpp"

namespace ulpscope {

namespace {

size_t extent(Axis axis, int64_t keys, int64_t features) {
  switch (axis) {
    case Axis::none: return 1;
    case Axis::key: return static_cast<size_t>(keys);
    case Axis::feature: return static_cast<size_t>(features);
  }
  return 1;
}

}  // namespace

TileLog::TileLog(int64_t rows, int64_t keys, int64_t features)
    : rows_(static_cast<size_t>(rows)),
      keys_(static_cast<size_t>(keys)),
      features_(static_cast<size_t>(features)) {}

void TileLog::open(Site site) {
  Cells& cells = sites_[index(site)];
  cells.rows.resize(rows_);
  cells.columns.resize(extent(row_of(site).axis, keys_, features_));
}

void TileLog::add_row(Site site, int64_t row, int64_t first, const RecordRow& records) {
  Cells& cells = cells_of(site);
  if (!cells.narrow) cells.narrow.emplace(cells.columns.size());
  if (cells.narrow->full()) cells.spill();
  if (cells.narrow->add_row(static_cast<size_t>(first), records, cells.moments,
                            cells.rows[static_cast<size_t>(row)])) {
    return;
  }
  for (size_t i = 0; i < records.size(); ++i) {
    add(site, row, first + static_cast<int64_t>(i), records[i]);
  }
}

void TileLog::Cells::spill() {
  if (narrow) narrow->spill(moments.histogram, columns);
}

void TileLog::take(TileLog& other) {
  for (size_t i = 0; i < site_count; ++i) {
    auto& from = other.sites_[i];
    if (!from.used()) continue;
    from.spill();
    auto& to = cells_of(site_table[i].site);
    to.moments.merge(from.moments);
    from.moments = Moments{};
    for (const auto cells : {&Cells::rows, &Cells::columns}) {
      for (size_t c = 0; c < (from.*cells).size(); ++c) {
        (to.*cells)[c].merge((from.*cells)[c]);
        (from.*cells)[c] = Cluster{};
      }
    }
  }
}

void HeadLog::take(TileLog& tile) {
  for (size_t i = 0; i < site_count; ++i) {
    auto& from = tile.sites_[i];
    if (!from.used()) continue;
    from.spill();
    auto& to = sites_[i];
    to.statistics.moments.merge(from.moments);
    from.moments = Moments{};
    fold_and_clear(from.rows, to.statistics.rows);
    if (to.columns.size() < from.columns.size()) to.columns.resize(from.columns.size());
    for (size_t c = 0; c < from.columns.size(); ++c) {
      to.columns[c].merge(from.columns[c]);
      from.columns[c] = Cluster{};
    }
  }
}

void HeadLog::fold_into(SiteStatistics& run) {
  for (size_t i = 0; i < site_count; ++i) {
    // A site without an axis has one column only, and one cluster says nothing of a spread.
    if (site_table[i].axis != Axis::none) {
      fold_and_clear(sites_[i].columns, sites_[i].statistics.columns);
    }
    run[i].merge(sites_[i].statistics);
    sites_[i].statistics = ErrorStatistics{};
  }
}

}  // namespace ulpscope
