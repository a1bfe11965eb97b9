// A run of attention as units of work: planned once, then computed unit by unit, in any order, on
// any thread or machine.
//
//   const AttentionWork work(options);
//   work.outline();                     // run/outline.hpp
//   compute_units(work, {0, 1, 5}, options, [&](const UnitResult& r) { assembly.add(r); });
//
// Nothing that a unit yields depends on which others are computed, nor where: what is sampled is
// chosen from the whole problem. Memory: the operands, and a unit a thread.
// Tested by tests/run/shards_test.cpp.
#pragma once

#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/unit_result.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace ulpscope {

class AttentionWork {
 public:
  // Opens the inputs and plans. Errors of kind usage and input.
  explicit AttentionWork(const AttentionOptions& options);
  AttentionWork(const AttentionWork&) = delete;
  AttentionWork& operator=(const AttentionWork&) = delete;
  ~AttentionWork();

  const Outline& outline() const { return outline_; }
  // Row tiles forward and query heads backward of a unit: what progress counts.
  int64_t steps_of_a_unit() const;
  // Multiply-adds of the whole run, were no pair hidden.
  double multiply_adds() const;

  // Nothing if it was stopped. `step` is called after each of the steps.
  std::optional<UnitResult> compute(int64_t unit, int threads, const std::function<void()>& step,
                                    const std::atomic<bool>* stop) const;

 private:
  struct Planned;
  std::unique_ptr<const Planned> planned_;
  Outline outline_;
};

// Several units at a time; `deliver` is called from any thread. False if it was stopped: what was
// delivered is complete, the rest is left out. Takes threads, progress and stop of the options.
bool compute_units(const AttentionWork& work, std::span<const int64_t> units,
                   const AttentionOptions& options,
                   const std::function<void(const UnitResult&)>& deliver);

}  // namespace ulpscope
