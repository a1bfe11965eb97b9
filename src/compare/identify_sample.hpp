// The part of the observed outputs on which candidates of `identify` are screened: some rows of O
// and the LSE, some rows of dQ, some keys of dK and dV.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "identify_outputs.hpp"

namespace ulpscope {

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

// Both passes are of one K/V head (problem_of_kv_head). O and the LSE as far as the sampled
// gradients read them:
ForwardOutput group_forward(const BackwardPlan& plan, const SampledGradients& which,
                            const Observation& seen, const IdentifyOptions& options);
SomeOutputs sampled_gradients(BackwardPlan plan, const ForwardOutput& forward,
                              const SampledGradients& which, const Observation& seen,
                              const IdentifyOptions& options);

}  // namespace ulpscope
