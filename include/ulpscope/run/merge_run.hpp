// From the folders of all shards to the folder of the run: the bytes that one process would have
// written. Neither the inputs nor the machine of the shards are needed.
//
//   run_merge({.shards = {"shard-2", "shard-1"}, .out = "run"}) -> summary
//
// Errors: a shard that is missing or given twice is of kind usage; shards of different runs, an
// unfinished one, and a part that does not pass its checks are of kind input.
// Tested by tests/run/shards_test.cpp.
#pragma once

#include "ulpscope/run/assemble.hpp"
#include "ulpscope/run/manifest.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

struct MergeOptions {
  std::vector<std::string> shards = {};  // folders, in any order
  std::string out = {};
  std::function<void(int64_t done, int64_t all)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

// The summary; nothing if it was stopped.
std::optional<nlohmann::json> run_merge(const MergeOptions& options);

// Adds the parts of a shard. False if it was stopped.
bool add_parts(const std::filesystem::path& folder, const Shard& shard, const Outline& outline,
               Assembly& assembly, const std::function<void()>& step,
               const std::atomic<bool>* stop);

}  // namespace ulpscope
