// What a candidate of `identify` makes of the observed outputs: on a sample, or everywhere.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/identify.hpp"
#include "ulpscope/compare/kernel_change.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace ulpscope {

// Codes of some elements of an output, by flat index; without indices, of all of them in order.
struct SomeOutput {
  Output output;
  std::vector<size_t> where;
  std::vector<uint32_t> codes;

  size_t index(size_t i) const { return where.empty() ? i : where[i]; }
  friend bool operator==(const SomeOutput&, const SomeOutput&) = default;
};
using SomeOutputs = std::vector<SomeOutput>;

// Registers of a whole forward pass.
struct ForwardOutput {
  std::vector<uint32_t> o;
  std::vector<uint32_t> lse;
  std::vector<uint32_t> statistic;  // what the backward pass reads of the LSE
};

ForwardOutput whole_forward(const Plan& plan, const IdentifyOptions& options);

bool wants_forward(const Observation& seen);
bool wants_gradients(const Observation& seen);

// The format in which a plan stores an output.
const Format& stored_format(const Plan& plan, Output output);

// Which rows of O and the LSE: so many, all over the problem; or one alone, by flat index.
struct SampledRows {
  int64_t count;
  std::optional<int64_t> only = {};
};

// K and V of the sampled heads, decoded for tiles of so many keys.
struct SampledHeads {
  int64_t tile_keys;
  std::map<std::pair<int64_t, int64_t>, HeadOperands> heads;  // by batch and head
};
SampledHeads sampled_heads(const Plan& plan, const SampledRows& rows);

// On one thread.
SomeOutputs sampled_forward(const Plan& plan, const SampledHeads& heads, const SampledRows& rows,
                            const Observation& seen);

// Which gradients: dQ of some rows, dK and dV of as many keys, of the query heads that share one
// K/V head. The rows must lie in one row tile, the keys in one key tile.
struct SampledGradients {
  int64_t kv_head;  // batch * kv_heads + head
  int64_t first_row;
  int64_t first_key;
  int64_t count;
};

SampledGradients default_gradients(const Problem& problem);

// The query heads of one K/V head as a problem of their own, in the same launch.
Problem one_group(const Problem& problem, int64_t kv_head);

// `plan` and `forward` are of that group.
SomeOutputs sampled_gradients(BackwardPlan plan, const ForwardOutput& forward,
                              const SampledGradients& which, const Observation& seen,
                              const IdentifyOptions& options);

// Everything; `backward` is null where no gradient was observed.
SomeOutputs whole_outputs(const Plan& plan, const BackwardPlan* backward,
                          const ForwardOutput& forward, const Observation& seen,
                          const IdentifyOptions& options);

}  // namespace ulpscope
