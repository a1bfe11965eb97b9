// A recorded call computed again, and its outputs compared by bits.
//
//   replay_call(call, *call.recipe, {.chip = chip_named("h200")})   {{Output::o, ...}, ...}
//
// The call runs through the row that models its kernel, or through any other, to see that it does
// not fit: forward and, where a gradient was recorded, backward. Where a kernel adds the parts of
// dQ in no fixed order, elements that another order gives are counted apart
// (compare/reachable.hpp). Of FlexAttention's delta, whose layout the compiler chooses by timing,
// the possible layouts are tried until one gives the recorded dK.
//
// Tested by tests/run/replay_run_test.cpp and tests/captured.
#pragma once

#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/run/recording.hpp"

#include <vector>

namespace ulpscope {

enum class ReplayedPasses { forward, both };

struct ReplaySettings {
  const Chip& chip;
  int threads = 1;
  ReplayedPasses passes = ReplayedPasses::both;
};

struct ReplayedTensor {
  Output output;
  int64_t elements = 0;     // 0: known by checksum
  int64_t different = 0;    // elements, or 1 for another checksum
  int64_t other_order = 0;  // elements
};

// Those outputs that were recorded, of the passes that are asked for.
std::vector<ReplayedTensor> replay_call(const RecordedCall& call, const Recipe& recipe,
                                        const ReplaySettings& settings);

}  // namespace ulpscope
