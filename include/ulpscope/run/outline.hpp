// What is known of a run before its first head is computed: the sections of summary.json that
// inputs and options decide, and the tensors that will be written.
//
// Shards of a run have one outline; a merge reads it back and needs neither inputs nor a plan.
// Its fingerprint covers all that decides a bit of the results: version, hashes of the tensors,
// kernel, chip, tiles, casts, sizes, mask. Names do not count: of files, of tensors, the command.
//
//   const Outline outline = attention_outline(command, plans, overrides, operands, whole);
//   fingerprint_of(outline)                        "4f0c..." (XXH3, 128 bits)
//   outline_from_json(to_json(outline), "shard-1/manifest.json")
//
// A unit of work is one K/V head of one batch with the query heads that share it; units are counted
// over all batches. Tested by tests/run/outline_test.cpp.
#pragma once

#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/run/log_level.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ulpscope {

// A tensor of outputs.safetensors; its errors are NAME_ulp of errors.safetensors.
struct OutlineTensor {
  std::string name;
  Element element;
  Format format;  // whose ulps its errors are counted in
  Layout layout;
  std::array<int64_t, 4> sizes;  // batch, heads, seq, dim; dim 0: the last axis is left out
  int64_t tally_rows;            // of a head as the pass counts it
  int64_t row_tile;

  std::vector<int64_t> shape() const { return shape_in_layout(sizes, layout); }
  int64_t columns() const { return sizes[3] == 0 ? 1 : sizes[3]; }
};

// P, dP or dS of the backward pass, which are judged and not kept.
struct OutlinePairs {
  std::string name;
  Format format;
};

struct Outline {
  LogLevel log = LogLevel::full;
  nlohmann::json summary;                       // sections
  nlohmann::json choices;                       // what else decides bits, and no section says
  std::map<std::string, std::string> metadata;  // of both tensor files
  std::vector<OutlineTensor> tensors;
  std::vector<OutlinePairs> pairs;  // with gradients
  int64_t units;

  bool has_gradients() const { return !pairs.empty(); }
};

// The plans of any unit; `backward` is null for a run of the forward pass alone.
struct UnitPlans {
  const Plan& plan;
  const BackwardPlan* backward;
};

// What was asked of the kernel that it does not do by itself.
struct KernelOverrides {
  const std::vector<SiteOverride>& sites;
  const MaximumOverride& maximum;
};

// Operands and problem are those of the whole run, and may be without values.
Outline attention_outline(const std::string& command, const UnitPlans& plans,
                          const KernelOverrides& overrides, const ProblemOperands& operands,
                          const Problem& whole);

nlohmann::json to_json(const Outline& outline);
// `where` names the file in an Error of kind input.
Outline outline_from_json(const nlohmann::json& json, const std::string& where);

std::string fingerprint_of(const Outline& outline);

// The first thing in which two fingerprints differ: "inputs/0/xxh3_128 is X, expected Y".
std::string difference_of(const Outline& found, const Outline& expected);

}  // namespace ulpscope
