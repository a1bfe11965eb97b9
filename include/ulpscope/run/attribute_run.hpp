// Which step of a kernel causes the error of its outputs: analysis/attribution.hpp on a dump.
//
//   run_attribution({.inputs = {.input = "dump.npz"}})
//     -> {"schema": "ulpscope.attribution/1", "tensors": [{"name": "o", "verdict": ..., "steps":
//     ...
//
// With a tensor do, delta and the gradients too. Tested by tests/run/attribute_run_test.cpp.
#pragma once

#include "ulpscope/run/kernel_options.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct AttributeOptions : KernelOptions {
  int threads = 1;
  std::string out;  // folder for summary.json and report.html; empty: nothing is written
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};  // runs
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped.
std::optional<nlohmann::json> run_attribution(const AttributeOptions& options);

// The paper's ablations (analysis/ablations.hpp), with one row more for `heads`; an object of
// schema "ulpscope.ablations/1". Error of kind usage without a backward pass.
std::optional<nlohmann::json> run_ablations(const AttributeOptions& options,
                                            const std::vector<int64_t>& heads);

}  // namespace ulpscope
