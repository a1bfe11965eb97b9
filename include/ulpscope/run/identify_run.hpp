// From files to the kernel that made them: which tensors are the outputs, and what was found.
//
//   run_identify({.inputs = {.input = "case.npz", .format = bf16},
//                 .outputs = {.input = "run/outputs.safetensors"}}) -> ranking
//
// Outputs are found by name: o, lse, dq, dk, dv, in upper or lower case, as far as they are there.
// Their axes lie as those of q (o, dq), k (dk) and v (dv). The LSE has q's axes without the last
// one, or (batch, heads, seq), which may go on with padding and with one more axis of size 1.
// Bits are of the inputs' format if nothing else is said; those of the LSE are binary32.
//
// Errors of kind usage (options) and input (files) name file, tensor, what was found and expected.
// Tested by tests/cli.
#pragma once

#include "ulpscope/compare/identify.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Where the outputs are.
struct OutputFiles {
  std::string input;                         // file or folder; may be empty with `files`
  std::map<std::string, std::string> files;  // o -> FILE or FILE:TENSOR
  std::map<std::string, std::string> names;  // o -> name of the tensor in `input`
  const HeldTensors* held = nullptr;         // tensors in memory that a name may mean
};

struct IdentifyRunOptions : ProblemOptions {
  OutputFiles outputs;
  std::string meant = {};  // NAME or NAME@CHIP; empty: any kernel
  int threads = 1;
  int64_t ranked = IdentifyOptions{}.ranked;
  std::string command;
  std::function<void(int64_t done, int64_t all)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

// An object of schema "ulpscope.identify/1"; nothing if the run was stopped.
std::optional<nlohmann::json> run_identify(const IdentifyRunOptions& options);

// The same as a table of at most 120 columns.
std::string identify_text(const nlohmann::json& identification);

}  // namespace ulpscope
