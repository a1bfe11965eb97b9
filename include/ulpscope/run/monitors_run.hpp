// What the heads of a dump hold in store, before any output is looked at; with dO, the sum that the
// failing training runs show.
//
//   run_monitors({.inputs = {.input = "dump.npz"}}) -> {"schema": "ulpscope.monitors/1", "heads":
//   ...}
//
// A head's scores are watched by analysis/head_monitor.hpp. With a tensor do the pass runs forward
// and backward too, and the head's delta is compared with that of exact attention:
//   drift = sum over rows of (delta - exact delta),   share = drift / sum |delta - exact delta|
// A share near +1 or -1 is an error that does not average out. `cumulative` is the drift up to
// every row. With a tensor x, the tokens that Q was made of, the drift is followed into the
// gradient of W^Q (analysis/weight_error.hpp). With compare_window the heads are watched once more
// as local ones, which see that many keys before the diagonal (Hajra, arXiv 2505.15548).
//
// Source: Qiu and Yao, arXiv 2510.04212, equations 1 to 3 and figure 5. Tested by
// tests/run/monitors_run_test.cpp.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct MonitorsOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  double tolerance = 1e-3;                // of near maxima, in natural units
  int64_t sinks = 1;                      // first keys that count as the sink
  std::optional<int64_t> compare_window = {};
  int threads = 1;
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};  // heads
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if the run was stopped.
std::optional<nlohmann::json> run_monitors(const MonitorsOptions& options);

}  // namespace ulpscope
