// What the error of delta does to a weight's gradient, step after step: coefficients of a dump's
// heads, or of heads freshly drawn from a law, and how they add up.
//
//   run_drift({.law = {.kind = LawKind::ties, .sink = 0.5}, .steps = 100})
//     -> {"schema": "ulpscope.drift/1", "coefficients": [...], "curves": {...}, ...}
//
// A step's coefficient is the sum over its rows of delta_lp - delta_hp = rowsum(dO (O - exact O)):
// O as the kernel stores it, all else exact. Without an input step n draws one head from the law
// with the seed law.seed + n. Growth: analysis/drift.hpp.
//
// Source: Qiu and Yao, arXiv 2510.04212, equations 1 to 3. Tested by tests/run/drift_run_test.cpp.
#pragma once

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct DriftRunOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  Law law = {};                           // where there is no input
  LawShape shape = {.heads = 1, .rows = 256, .keys = 256, .dim = 64, .format = bf16};
  int64_t steps = 100;  // of an input: at most this many heads
  uint64_t seed = 1;    // of directions and signs
  int threads = 1;
  std::string command = {};
  std::function<void(int64_t done, int64_t all)> progress = {};  // steps
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped. Error of kind usage for an input without a tensor do.
std::optional<nlohmann::json> run_drift(const DriftRunOptions& options);

}  // namespace ulpscope
