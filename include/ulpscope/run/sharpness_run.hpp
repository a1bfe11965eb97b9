// Sharpness at the logits of a file, as they are and rounded to other formats.
//
//   run_sharpness({.input = "logits.npy", .eps = {1e-3}})
//     -> {"schema": "ulpscope.sharpness/1", ..., "rows": [{"eps": 0.001, "phi": ..., ...}]}
//
// The last axis is the classes; every other index is a position, and each is measured by itself.
// The target is the largest logit of a position, a class for all, or the label of a file.
// Tested by tests/run/sharpness_run_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/rounding.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Which positions: all, or the last along the axis before the classes.
enum class Positions { all, last };

struct SharpnessOptions {
  std::string input = {};             // FILE or FILE:TENSOR
  std::optional<Format> format = {};  // of a tensor that is bits only
  std::vector<double> eps = {1e-3};   // above 0
  Positions positions = Positions::all;
  std::optional<int64_t> target = {};  // a class; absent: the labels, else the largest logit
  std::string labels = {};             // FILE or FILE:TENSOR of integers, a position each
  std::vector<Format> rounded = {};    // formats to round the logits to, beside as they are
  Rounding rounding = nearest_even;
  std::string command = {};
};

nlohmann::json run_sharpness(const SharpnessOptions& options);

}  // namespace ulpscope
