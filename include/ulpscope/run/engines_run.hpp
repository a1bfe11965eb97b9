// One problem through many kernels and chips: tensors in, a matrix of their differences out.
//
//   run_engine_comparison({.inputs = {.input = "dump.npz"}, ...}) -> summary, kind "engines"
//
// `kernels` are NAME or NAME@CHIP, a NAME alone on every one of `chips`; "all" stands for all of
// either. A kernel that does not take the problem is listed with its reason; an Error of kind usage
// where none does.
//
// With an output folder it leaves there, all or nothing:
//   outputs.safetensors  fa2-torch@h200.o and so on, in the layouts of q, k and v
//   summary.json         every figure;   report.html   the same for eyes
//
// The bytes depend on the inputs and options alone. Tested by tests/run/engines_run_test.cpp.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct EnginesOptions : ProblemOptions {
  std::vector<std::string> kernels{"all"};
  std::vector<std::string> chips{"h200"};
  std::string delta_layout;  // of kernels that have it; empty: every kernel's own
  int threads = 1;
  std::string out;      // folder; empty: nothing is written
  std::string command;  // shown in the report
  std::function<void(int64_t done, int64_t all)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

// The summary, its verdict status "biased" or "unbiased"; nothing if the run was stopped.
std::optional<nlohmann::json> run_engine_comparison(const EnginesOptions& options);

}  // namespace ulpscope
