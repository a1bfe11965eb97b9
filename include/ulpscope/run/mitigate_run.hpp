// What mitigations make of a dump: the errors of O with each of them, by head and together.
//
//   run_mitigate({.inputs = {.input = "dump.npz"}}) -> {"schema": "ulpscope.mitigate/1",
//     "treatments": [{"name": "as it is", "all": {"exact_p": ..., "rounded_p": ...}, ...}]}
//
// The treatments are those of analysis/treatment.hpp and whatever else is asked for.
// Tested by tests/run/mitigate_run_test.cpp.
#pragma once

#include "ulpscope/run/kernel_options.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// What is asked of the kernel is so before any treatment.
struct MitigateOptions : KernelOptions {
  std::string site;                 // of the stochastic rounding; empty: rounding_of_output
  std::vector<std::string> stable;  // more treatments, as parse_stable takes them
  std::vector<std::string> offsets;
  int64_t first_row = 0;  // rows before it are left out
  int threads = 1;
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};  // treatments
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped.
std::optional<nlohmann::json> run_mitigate(const MitigateOptions& options);

}  // namespace ulpscope
