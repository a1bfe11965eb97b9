// A problem drawn from a law, as a file that every job takes.
//
//   write_sample({.law = {.kind = LawKind::ties, .sink = 0.5}}, "ties.safetensors")
//
// The file holds q, k, v and do, (head, seq, dim) in the shape's format, and the law in its
// metadata. Tested by tests/run/sample_run_test.cpp.
#pragma once

#include "ulpscope/analysis/law.hpp"

#include <string>

namespace ulpscope {

struct SampleOptions {
  Law law;
  LawShape shape;
};

// Error of kind usage for a name that does not end in .safetensors or a format that the file cannot
// name.
void write_sample(const SampleOptions& options, const std::string& path);

}  // namespace ulpscope
