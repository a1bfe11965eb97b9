// The forward pass over a whole problem: heads and row tiles on several threads.
//
// Heads are dealt out first and the tiles of a head inside it, so no more heads are decoded at a
// time than threads work. What is done with a tile is the observer's business: it is told of
// every head and every finished tile, from any thread, each tile once. Nothing depends on the
// order, so results are the same bytes for any number of threads.
//
// Memory beyond the inputs: decoded K and V (18 bytes an element each) and one row tile a
// thread.
// Tested by tests/attention/driver_test.cpp.
#pragma once

#include "ulpscope/attention/forward.hpp"
#include "ulpscope/trace/log.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace ulpscope {

// Sees the tiles of one head, perhaps several at a time; destroyed when the head is done.
class HeadObserver {
 public:
  HeadObserver() = default;
  HeadObserver(const HeadObserver&) = delete;
  HeadObserver& operator=(const HeadObserver&) = delete;
  virtual ~HeadObserver() = default;
  virtual void tile(const TileRows& rows, const TileOutput& output) = 0;
  // Who is shown P of a row tile before the tile itself; may be null.
  virtual ProbabilityObserver* probabilities() { return nullptr; }
};

enum class Logging { off, on };

struct DriverOptions {
  int threads = 1;
  Logging logging = Logging::on;
  // Called for every head before its tiles; may be empty where only the statistics are wanted.
  std::function<std::unique_ptr<HeadObserver>(int64_t batch, int64_t head)> observe = {};
  // Called after every tile with the number done so far; may be empty.
  std::function<void(int64_t done)> progress = {};
  // Checked before every tile; once true, the run ends with tiles left out. May be null.
  const std::atomic<bool>* stop = nullptr;
};

struct DriverResult {
  SiteStatistics sites;  // empty without logging
  bool complete;         // false if it was stopped
};

DriverResult run_forward(const Plan& plan, const DriverOptions& options);

// Who computes the pass: run_forward, or what has its bits elsewhere (gpu.hpp).
using ForwardEngine = std::function<DriverResult(const Plan&, const DriverOptions&)>;

// Row tiles of the whole problem: what progress counts.
inline int64_t tile_count(const Plan& plan) {
  return plan.problem.batch * plan.problem.heads * plan.row_tiles();
}

// The code of an O register in the format of the output store.
inline uint64_t output_code(const Plan& plan, uint32_t value) {
  return code_of(plan.map[Site::output_store].format, value);
}

}  // namespace ulpscope
