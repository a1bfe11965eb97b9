// A run of attention on several ranks: the same bytes as one process, and one report.
//
//   run_attention_on_ranks(options, ranks)    on every rank
//
// Rank 0 opens the output folder and finds which parts are missing, the ranks compute them in turn
// (unit i of these is rank i mod count's), and rank 0 joins the parts as a merge does. Units of a
// run cost the same, so that dealing them out beforehand loses nothing on equal machines.
//
// Parts are files in DIR.ulpscope-parts, which every rank must see; where file systems are not
// shared, attention --shard and merge do the same. What killed ranks leave, `earlier` resumes.
// Tested by tests/run/ranks_run_test.cpp and tests/cli/ranks_test.cpp.
#pragma once

#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/ranks.hpp"

namespace ulpscope {

struct RankReport {
  bool complete;                          // false if it was stopped
  std::optional<nlohmann::json> summary;  // on rank 0, of a complete run
};

// An Error is that of one rank, and the others wait for it: the caller ends them.
RankReport run_attention_on_ranks(const AttentionOptions& options, const Ranks& ranks);

}  // namespace ulpscope
