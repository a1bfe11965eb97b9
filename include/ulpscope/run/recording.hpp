// What a graphics card returned, as a folder: the facts of every call, and its outputs.
//
//   const Recording recording = read_recording("data/captures/h200_backends_fuzz");
//   recording.calls[0].name      "flash 1001"
//   inputs_of(recording.calls[0]).problem.rows
//
// Two kinds. fuzz.json: inputs made from a seed (run/seeded_operand.hpp), outputs as CRC-32 of
// their bits; `null` where a kernel adds in no fixed order. cases.json: tensors beside it, NAME.npz
// with q, k, v, do and PREFIX_o, PREFIX_lse, ..., or cases.npz with NAME. before each name.
// docs/captures.md says how one is taken. A file that is not so throws Error(input) with its path
// and what is wrong.
//
// Tested by tests/run/replay_run_test.cpp and tests/captured.
#pragma once

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/compare/output.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace ulpscope {

// Known by checksum, or in full: codes, for the LSE binary32 bits. Kernels that pad the rows of the
// LSE leave them here as they are.
using RecordedOutput = std::variant<uint32_t, std::vector<uint32_t>>;

struct RecordedCall {
  std::string name;      // "flash 1001", "bf_d64_n512_full fa_"
  const Recipe* recipe;  // the row that models the kernel
  nlohmann::json facts;
  std::filesystem::path tensors = {};  // empty: made from the seed
  std::string before = {};             // what stands before a tensor's name
  std::string prefix = {};             // of the kernel's outputs

  bool is_packed() const { return facts.contains("lengths"); }
};

struct Recording {
  nlohmann::json machine;  // as the file has it: device, torch, cuda, ...
  std::vector<RecordedCall> calls;
  int64_t without_row = 0;  // calls of kernels that no row models
};

Recording read_recording(const std::filesystem::path& folder);

// The problem and what it points to. Of a packed call: one of its sequences.
struct CallInputs {
  std::vector<uint16_t> q, k, v, dout;  // codes; dout is empty where none was recorded
  Problem problem;

  CallInputs() = default;
  // The problem points into the tensors, which stay where they are when they are moved.
  CallInputs(CallInputs&&) = default;
  CallInputs& operator=(CallInputs&&) = default;
  CallInputs(const CallInputs&) = delete;
  CallInputs& operator=(const CallInputs&) = delete;
};
CallInputs inputs_of(const RecordedCall& call, size_t sequence = 0);

// What was recorded of the outputs.
std::map<Output, RecordedOutput> outputs_of(const RecordedCall& call);

}  // namespace ulpscope
