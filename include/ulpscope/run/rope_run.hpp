// What rotary position embeddings lose to rounding: D_logit by sequence length, for every recipe.
//
//   run_rope({.lengths = {64, 8192}}) -> {"schema": "ulpscope.rope/1", "rows": [...]}
//
// D_logit of a length T: the mean over the rows i < T of A_i(first) - A_i(second), the scores of
// row i with the first key when all positions are shifted by `first` or by `second`, which exact
// arithmetic gives as equal; signed, and by magnitude. Q and K are a file's, before their rotation,
// or normal numbers from a seed; heads are averaged.
//
// With `matrices` also D, the same of the attention matrices under a causal mask, which needs as
// many keys as rows.
//
// Source: Wang et al., arXiv 2411.13476, equations 4 and 5. Tested by tests/run/rope_run_test.cpp.
#pragma once

#include "ulpscope/run/inputs.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

enum class RopeMatrices { off, on };

struct RopeOptions {
  InputOptions inputs = {};  // q and k; without a file, drawn numbers
  std::vector<std::string> recipes = {"fp32", "cast", "hf-bf16"};
  std::vector<int64_t> lengths = {64, 256, 1024, 4096};
  std::array<int64_t, 2> shifts = {0, 16};
  RopeMatrices matrices = RopeMatrices::off;
  double base = 10000;
  int64_t dim = 128;  // of drawn numbers
  int64_t heads = 8;  // of drawn numbers
  uint64_t seed = 1;  // of drawn numbers
  std::string command = {};
};

// Error of kind usage for a length that is not positive or, of a file, longer than its rows.
nlohmann::json run_rope(const RopeOptions& options);

}  // namespace ulpscope
