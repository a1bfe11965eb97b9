// The life of one output element: every rounding on its way, which of them its error comes from,
// and the keys at which it arose.
//
//   run_element({.inputs = {.input = "dump.npz"}, .element = {0, 3, 512, 7}})
//     -> {"schema": "ulpscope.history/1", "steps": [...], "sources": [...], "prefix": {...}, ...}
//
// Of O and of the LSE. A step has its operands, its exact value, the bits before and after, guard,
// rest, tie and carries, and its error. The staircase of prefixes is O's alone: the element as it
// is stored, and its product with V in the paper's map (compare/prefix_error.hpp). Only the K/V
// head of the element is read.
//
// Tested by tests/run/element_run_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct ElementOptions : ProblemOptions {
  std::string kernel = "fa2-torch@h200";  // NAME or NAME@CHIP
  std::vector<SiteOverride> overrides = {};
  std::string output = "o";           // o or lse
  std::vector<int64_t> element = {};  // batch, head, row and, of O, feature
  std::string command = {};
};

// Error of kind usage for another output, an element that the output does not have, and a kernel
// that rounds once.
nlohmann::json run_element(const ElementOptions& options);

}  // namespace ulpscope
