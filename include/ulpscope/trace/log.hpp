// Where the pass writes its roundings down: sinks for one row tile, sums for the whole run.
//
// The pass is a template over its sink. `NullSink` compiles away; `TileLog` keeps, for every
// site, the moments and one cluster a row and a column of the tile. When a tile is done it goes
// into its head's log, when a head is done that goes into the run's. Merging is integer addition,
// so the order in which tiles finish leaves no trace, nor does whether records came one by one or
// a row at once (narrow_sums.hpp).
//
// Tested by tests/trace/log_test.cpp.
#pragma once

#include "ulpscope/trace/clusters.hpp"
#include "ulpscope/trace/narrow_sums.hpp"
#include "ulpscope/trace/record_row.hpp"
#include "ulpscope/trace/site.hpp"

#include <array>
#include <optional>
#include <span>
#include <vector>

namespace ulpscope {

using SiteStatistics = std::array<ErrorStatistics, site_count>;

struct NullSink {
  static constexpr bool enabled = false;
  void add(Site, int64_t, int64_t, const Record&) {}
};

// As silent, and every element one by one in the core's integers: the pass on machines that lack
// the host's vector arithmetic, GPUs. The bits are the same.
struct ScalarSink : NullSink {};

class TileLog {
 public:
  static constexpr bool enabled = true;

  TileLog(int64_t rows, int64_t keys, int64_t features);

  // `row` counts within the tile; `column` along the site's axis (0 where it has none).
  void add(Site site, int64_t row, int64_t column, const Record& r) {
    Cells& cells = cells_of(site);
    cells.moments.add(r);
    cells.rows[static_cast<size_t>(row)].add(r);
    cells.columns[static_cast<size_t>(column)].add(r);
  }

  // The same for every record, in the columns from `first` on.
  void add_row(Site site, int64_t row, int64_t first, const RecordRow& records);

  // Another thread's log of the same rows; empties it.
  void take(TileLog& other);

 private:
  friend class HeadLog;
  // Sums of single records, and what rows of them have left; `narrow` holds more.
  struct Cells {
    Moments moments;
    std::vector<Cluster> rows;
    std::vector<Cluster> columns;
    std::optional<NarrowSums> narrow;

    bool used() const { return !rows.empty(); }
    void spill();
  };
  Cells& cells_of(Site site) {
    Cells& cells = sites_[index(site)];
    if (!cells.used()) [[unlikely]]
      open(site);
    return cells;
  }
  // A site has its cells from its first rounding on: no pass uses more than a few of all.
  void open(Site site);

  size_t rows_;
  size_t keys_;
  size_t features_;
  std::array<Cells, site_count> sites_;
};

class HeadLog {
 public:
  // Takes a finished tile and empties it for the next one.
  void take(TileLog& tile);
  // Closes the head: its columns are complete.
  void fold_into(SiteStatistics& run);

 private:
  struct Cells {
    ErrorStatistics statistics;
    std::vector<Cluster> columns;
  };
  std::array<Cells, site_count> sites_;
};

}  // namespace ulpscope
