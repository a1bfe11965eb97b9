// A tensor of a file through scaling schemes: the errors of each, and one of them written out.
//
//   run_quantise({.input = "dump.npz:k", .format = bf16, .schemes = {"mxfp4", "nvfp4"}})
//     -> {"schema": "ulpscope.quantise/1", ..., "schemes": [{"scheme": "mxfp4", ...}, ...]}
//
// The input must be of a format that binary32 holds. docs/cli.md has the fields and the tensors of
// the file. Tested by tests/run/quantise_run_test.cpp.
#pragma once

#include "ulpscope/run/run_tensors.hpp"
#include "ulpscope/scaling/schemes.hpp"
#include "ulpscope/tensor/limits.hpp"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct QuantiseRunOptions {
  std::string input;                      // FILE or FILE:TENSOR
  std::optional<Format> format = {};      // of a tensor that is bits only
  std::vector<std::string> schemes = {};  // names; empty: all
  std::optional<Format> element = {};     // in place of the schemes' own
  std::optional<int64_t> block = {};
  std::optional<ScaleRule> rule = {};
  Mode mode = Mode::nearest_even;
  std::string out;  // .npz or .safetensors, of one scheme; empty: nothing is written
  std::string command;
  const HeldTensors* held = nullptr;  // tensors in memory that `input` may name
  RunTensors* tensors = nullptr;      // filled with what a file holds, of one scheme
};

nlohmann::json run_quantise(const QuantiseRunOptions& options);

}  // namespace ulpscope
