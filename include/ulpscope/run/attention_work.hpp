// A run of attention as units of work: planned once, then computed unit by unit, in any order, on
// any thread or machine.
//
//   const AttentionWork work(options);
//   work.outline();                     // run/outline.hpp
//   compute_units(work, {0, 1, 5}, options, [&](const UnitResult& r) { assembly.add(r); });
//
// Nothing that a unit yields depends on which others are computed, nor where: what is sampled is
// chosen from the whole problem. Memory: a unit a thread, and its heads of the operands, which are
// read when it begins. (To know the run, all bytes of the operands are read and hashed once.)
// Tested by tests/run/shards_test.cpp.
#pragma once

#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/memory_limit.hpp"
#include "ulpscope/run/unit_result.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace ulpscope {

class AttentionWork {
 public:
  // Opens the inputs and plans. Errors of kind usage and input, and of kind resource where the
  // memory limit of the options cannot be kept.
  explicit AttentionWork(const AttentionOptions& options);
  AttentionWork(const AttentionWork&) = delete;
  AttentionWork& operator=(const AttentionWork&) = delete;

  const Outline& outline() const { return outline_; }
  // Row tiles forward and query heads backward of a unit: what progress counts.
  int64_t steps_of_a_unit() const { return steps_; }
  // Multiply-adds of the whole run, were no pair hidden.
  double multiply_adds() const { return multiply_adds_; }

  // How many units at a time, on how many threads: as many as the limit lets.
  const Room& room() const { return room_; }

  // Nothing if it was stopped. `step` is called after each of the steps.
  std::optional<UnitResult> compute(int64_t unit, int threads, const std::function<void()>& step,
                                    const std::atomic<bool>* stop) const;

 private:
  struct Unit;

  std::unique_ptr<const Unit> planned(int64_t unit) const;
  Room room_for(const Problem& whole) const;

  AttentionOptions options_;
  KernelAndChip kernel_;
  mutable std::mutex reading_;
  mutable ProblemInputs inputs_;
  int64_t kv_heads_ = 1;
  Outline outline_{};
  int64_t steps_ = 0;
  double multiply_adds_ = 1;
  Room room_{};
};

// Several units at a time; `deliver` is called from any thread. False if it was stopped: what was
// delivered is complete, the rest is left out. Takes progress and stop of the options.
bool compute_units(const AttentionWork& work, std::span<const int64_t> units,
                   const AttentionOptions& options,
                   const std::function<void(const UnitResult&)>& deliver);

}  // namespace ulpscope
