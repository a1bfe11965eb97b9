// Which rounding of a kernel causes the error of its outputs: analysis/attribution.hpp on a dump.
//
//   run_attribution({.inputs = {.input = "dump.npz"}})
//     -> {"schema": "ulpscope.attribution/1", "tensors": [{"name": "o", "verdict": ..., "sites":
//     ...
//
// With a tensor do, delta and the gradients too. Tested by tests/run/attribute_run_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct AttributeOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  std::vector<SiteOverride> overrides = {};
  int threads = 1;
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};  // runs
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped.
std::optional<nlohmann::json> run_attribution(const AttributeOptions& options);

}  // namespace ulpscope
