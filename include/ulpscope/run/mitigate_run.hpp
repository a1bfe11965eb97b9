// What mitigations make of a dump: the errors of O with each of them, by head and together.
//
//   run_mitigate({.inputs = {.input = "dump.npz"}}) -> {"schema": "ulpscope.mitigate/1",
//     "treatments": [{"name": "as it is", "all": {"exact_p": ..., "rounded_p": ...}, ...}]}
//
// The treatments are those of analysis/treatment.hpp and whatever else is asked for.
// Tested by tests/run/mitigate_run_test.cpp.
#pragma once

#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct MitigateOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  std::vector<SiteOverride> overrides;    // of the kernel, before any treatment
  std::string site;                       // of the stochastic rounding; empty: rounding_of_output
  std::vector<std::string> stable;        // more treatments, as parse_stable takes them
  std::vector<std::string> offsets;
  int64_t first_row = 0;  // rows before it are left out
  uint64_t seed = 1;      // of stochastic roundings
  int threads = 1;
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};  // treatments
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped.
std::optional<nlohmann::json> run_mitigate(const MitigateOptions& options);

}  // namespace ulpscope
