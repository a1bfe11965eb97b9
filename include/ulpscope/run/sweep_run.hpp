// A sweep: one row of figures a grid point.
//
//   run_sweep({.preset = "sinks"}) -> {"schema": "ulpscope.sweep/1", "points": [...], ...}
//   run_sweep({.axes = {{"law", "ties"}, {"gap", "4..30:2"}}})
//
// Problems are an input's or, without one, drawn from a law. A point that a kernel does not take is
// listed with the reason; an Error of kind usage where none is taken.
//
// With an output folder it leaves there, all or nothing:
//   summary.json   every figure;   sweep.csv   a line a point;   report.html   line plots
//
// The bytes depend on the inputs and options alone. Tested by tests/run/sweep_run_test.cpp.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"
#include "ulpscope/run/sweep_grid.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct SweepOptions {
  ProblemOptions problem;    // with no input: of drawn problems
  std::string preset = {};   // empty: the axes alone
  std::string measure = {};  // empty: the preset's, or attention
  AxisTexts axes = {};
  std::vector<SiteOverride> overrides = {};  // of every point
  int threads = 1;
  std::string out = {};  // folder; empty: nothing is written
  std::string csv = {};  // file; empty: nothing is written
  std::string command = {};
  std::function<void(int64_t done, int64_t all)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

// Nothing if it was stopped.
std::optional<nlohmann::json> run_sweep(const SweepOptions& options);

}  // namespace ulpscope
