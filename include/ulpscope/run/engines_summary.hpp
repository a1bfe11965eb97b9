// The summary of a comparison of engines: schema "ulpscope.summary/1", kind "engines"
// (docs/cli.md).
//
// `outputs` has the statistics of every engine's tensors against the reference, named as in
// outputs.safetensors; `matrices` every two engines, a tensor each. The verdict is "biased" where O
// or a gradient is. Nothing in it depends on the clock, the host or the thread count.
// Tested by tests/run/engines_run_test.cpp.
#pragma once

#include "ulpscope/compare/engines.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct EnginesRecord {
  const std::string& command;
  const ProblemOperands& operands;
  const Problem& problem;
  const std::vector<PlannedEngine>& engines;
  const EngineResults& results;
};

// "fa2-torch@h200.o"
std::string output_name(const EngineChoice& choice, Output tensor);

// The operand in whose layout a tensor is, and its columns: 0 where it lacks the last axis.
struct TensorAxes {
  const Operand16& like;
  int64_t columns;
};
TensorAxes axes_of(Output tensor, const ProblemOperands& operands);

nlohmann::json engines_summary(const EnginesRecord& record);

}  // namespace ulpscope
