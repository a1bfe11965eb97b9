// Random problems whose outputs were recorded as checksums: inputs are made from seeds, the
// emulator's O, LSE, dQ, dK and dV must have the recorded CRC-32 (tools/python/fuzz_backends.py).
#pragma once

#include "ulpscope/attention/recipe.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace ulpscope {

// Which cases of the file: dense ones of one kernel, or its packed lengths.
struct FuzzSelection {
  std::string kernel;  // as the file calls it: flash, efficient, cudnn, flex
  bool packed = false;
};

struct BackendsReplay {
  int64_t cases = 0;
  int64_t checksums = 0;
  std::vector<std::string> different;  // "1012 dq": seed and tensor
};

BackendsReplay replay_backends(const std::filesystem::path& folder, const FuzzSelection& selection,
                               const Recipe& recipe);

}  // namespace ulpscope
