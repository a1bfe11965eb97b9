// A recording computed again: does the emulator give every bit that the graphics card gave?
//
//   run_replay({.folder = "data/captures/h200_backends_fuzz"})
//     -> {"schema": "ulpscope.replay/1", "kernels": [{"kernel": "fa2-torch", "calls": 170,
//         "tensors": 850, "different": 0, ...}]}
//
// A line a kernel; run/replay_call.hpp says how a call is computed and compared. Outputs known by
// checksum agree or do not; of those known in full the elements are counted too.
//
// Memory: one call at a time. Tested by tests/run/replay_run_test.cpp and tests/captured.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct ReplayOptions {
  std::string folder = {};
  std::string chip = "h200";
  std::string kernel = {};  // only this row's calls
  std::string as = {};      // run these by another row, to see that it does not fit
  int threads = 1;
  std::string command = {};
  std::function<void(int64_t done, int64_t all)> progress = {};  // calls
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped. Error of kind input for a folder that is no recording, of kind
// usage for a name that is none.
std::optional<nlohmann::json> run_replay(const ReplayOptions& options);

}  // namespace ulpscope
