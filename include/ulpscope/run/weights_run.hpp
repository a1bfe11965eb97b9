// How far apart the weights of two checkpoints are: by tensor and in all.
//
//   run_weights({.a = "flash/", .b = "baseline/"})
//     -> {"schema": "ulpscope.weights/1", "tensors": [...], "all": {...}}
//
// For every tensor that both hold: the largest |a - b| and where, the mean |a - b|, and
// Wasserstein's first distance of the two samples (compare/sample_distance.hpp). The last is never
// above the mean and says how far the distribution moved, when every weight moved by itself. "all"
// takes the tensors together as one sample. Elements of which either is not finite are counted and
// left out.
//
// Checkpoints are streamed: memory does not grow with them. Source: Golden et al., arXiv
// 2405.02803. Tested by tests/run/weights_run_test.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct WeightsOptions {
  std::string a;  // file, or folder of .safetensors
  std::string b;
  std::string command = {};
  size_t most_sorted = size_t{1} << 26;  // numbers of wide formats that are sorted at a time
};

// Throws Error(input) where the checkpoints have no tensor in common, or one of two shapes.
nlohmann::json run_weights(const WeightsOptions& options);

}  // namespace ulpscope
