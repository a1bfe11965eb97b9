// What a dump says of the call that it was recorded from, where the options say nothing.
//
//   ProblemOptions options = {.inputs = {.input = "layer-10.safetensors"}};
//   take_recorded_facts(options);       "causal, launch 1,9"; options.mask is causal_mask
//
// Metadata of a .safetensors file, as tools/python/ulpscope/torch.py writes it: causal ("true" or
// "false"), scale (a number; without it 1/sqrt(dim)) and launch ("B,H", what the kernel was
// launched with, of which the dump may be a part). An option that was given wins; its metadata is
// not looked at. The layout is taken by run/inputs.hpp.
//
// Tested by tests/run/recorded_facts_test.cpp.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"

#include <string>

namespace ulpscope {

// What was taken, in words; empty: nothing. Throws Error(input) where the metadata is not as above.
std::string take_recorded_facts(ProblemOptions& options);

// The row that models the kernel which ran, as metadata kernel names it; empty: not said, or no
// file.
std::string recorded_kernel(const ProblemOptions& options);

}  // namespace ulpscope
