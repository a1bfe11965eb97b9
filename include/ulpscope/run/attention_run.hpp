// The main job: tensors in, the kernel's bits, its errors and a report out.
//
//   AttentionOptions options;
//   options.inputs.input = "dump.npz";
//   run_attention(options) -> summary
//
// With an output folder it leaves there, all or nothing:
//   outputs.safetensors  o in the output format and the layout of q, lse (F32, without the last
//                        axis); with a tensor do: dq, dk, dv like q, k, v, and delta like lse
//   errors.safetensors   o_ulp, lse_ulp, dq_ulp, ...: signed errors against the reference, F32;
//                        with LogLevel::full only
//   summary.json         every figure;   report.html   the same for eyes
//
// The bytes depend on the inputs and options alone: not on threads, host rounding mode or clock,
// nor on how the run was cut into shards or how often it was interrupted.
//
// A long run keeps the part of every head that is done in DIR.ulpscope-parts until it is finished,
// a shard in its own folder. With `resume` these are taken over, where they are whole and of the
// same run. Memory does not grow with the number of heads, but for `explain`, which keeps all of
// them. Tested by tests/run/attention_run_test.cpp.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/run/kernel_options.hpp"
#include "ulpscope/run/log_level.hpp"
#include "ulpscope/run/manifest.hpp"
#include "ulpscope/run/run_tensors.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Whether what is biased is explained, too (explain_run.hpp).
enum class Explain : uint8_t { no, yes };

struct AttentionOptions : KernelOptions {
  LogLevel log = LogLevel::full;
  Explain explain = Explain::no;
  int threads = 1;
  std::optional<uint64_t> memory_limit;  // bytes, of the estimate in run/memory_need.hpp
  std::string out;                       // folder; empty: nothing is written
  RunTensors* tensors = nullptr;         // filled with the same tensors, if this run computes them
  Earlier earlier = Earlier::replaced;
  std::string command;  // shown in the report
  std::function<void(int64_t done, int64_t all)> progress = {};
  std::function<void(const std::string&)> note = {};  // remarks for the user
  const std::atomic<bool>* stop = nullptr;
  // Who computes the forward pass in place of this machine's cores; may be empty. It asks for
  // LogLevel::none, no backward pass and a kernel that has a pass.
  ForwardEngine forward = {};
};

// The summary (schema of summary_writer.hpp); nothing if the run was stopped.
std::optional<nlohmann::json> run_attention(const AttentionOptions& options);

// What a shard did; units are those of run/outline.hpp.
struct ShardReport {
  Shard shard;
  UnitRange units;
  int64_t all_units;  // of the run
  int64_t computed;   // the others were there
};

// One shard, into the folder `out` (run/part_folder.hpp); nothing if it was stopped.
std::optional<ShardReport> run_attention_shard(const AttentionOptions& options, const Shard& shard);

}  // namespace ulpscope
