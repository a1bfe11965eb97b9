// Runs grid points: draws or takes the problem, plans it, runs the pass, judges its O.
//
//   SweepEngine engine({.threads = 4}, nullptr);    // or the operands of an input
//   engine.judge(point) -> O's errors, roundings at the point's places
//
// Inputs that are rounded and a stochastic store are done here, before and after the pass: there
// the value that is rounded is a number in memory. Inside the pass a mode has a direction.
// The problem and its reference are kept from point to point while they stay the same.
//
// Tested by tests/run/sweep_measures_test.cpp.
#pragma once

#include "ulpscope/compare/judged_run.hpp"
#include "ulpscope/run/problem_inputs.hpp"
#include "ulpscope/run/sweep_grid.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

// Roundings of the point's own format and mode.
struct PlaceCounts {
  uint64_t rounded = 0;
  uint64_t saturated = 0;  // above the largest finite number
  uint64_t underflow = 0;  // below the smallest normal number, and inexact

  void add(Flag flags);
  void add(const Moments& site);
};

// |O - exact O| over the elements where both are finite.
struct Differences {
  double largest = 0;
  double rms = 0;
};

struct JudgedPoint {
  Plan plan;      // looks into the engine's operands, until its next point
  Format format;  // of O
  ErrorStatistics errors;
  Differences differences = {};
  std::optional<double> delta_share = {};
  PlaceCounts places = {};
};

struct SweepEngineOptions {
  ProblemOptions problem;  // scale, launch, ... of every point
  std::vector<SiteOverride> overrides = {};
  int threads = 1;
  const std::atomic<bool>* stop = nullptr;
};

class SweepEngine {
 public:
  // Without operands every point draws its own.
  SweepEngine(SweepEngineOptions options, const ProblemOperands* operands);
  SweepEngine(const SweepEngine&) = delete;
  SweepEngine& operator=(const SweepEngine&) = delete;

  const SweepEngineOptions& options() const { return options_; }
  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  // Nothing if it was stopped.
  std::optional<JudgedPoint> judge(const SweepPoint& point);

 private:
  const ProblemOperands& operands_of(const SweepPoint& point);
  Problem problem_at(const SweepPoint& point, const Chip& chip,
                     const ProblemOperands& operands) const;
  // The casts of every point, before its own.
  PrecisionMap map_before(const Recipe& recipe, const Format& input) const;
  Plan plan_at(const SweepPoint& point, const ProblemOperands& operands) const;
  const ForwardReference& reference_of(const Plan& plan);

  SweepEngineOptions options_;
  const ProblemOperands* given_;
  std::optional<ProblemOperands> drawn_;
  std::string drawn_key_;
  ProblemOperands rounded_;  // of the last point that rounds its inputs
  std::optional<ForwardReference> reference_;
  std::string reference_key_;
};

}  // namespace ulpscope
