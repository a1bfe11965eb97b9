// The history of one element of O or of the LSE, as a part of a comparison's summary: which kernel
// gives the bits of which tensor, by how many steps, and where two kernels part.
//
//   history_json(options, operands, {a, b}, index)
//
// Tested by tests/run/history_run_test.cpp.
#pragma once

#include "ulpscope/run/one_tensor.hpp"
#include "ulpscope/run/problem_inputs.hpp"
#include "ulpscope/trace/history.hpp"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct HistoryOptions : ProblemOptions {
  std::vector<std::string> kernels;  // NAME[@CHIP]; one or two
  std::vector<int64_t> element;      // (batch, head, row, feature); empty: the first difference
};

// Two tensors that ought to be O or the LSE, their codes in (batch, head, row, feature) order.
struct ComparedPair {
  const OneTensor& a;
  const OneTensor& b;
};

// `index` counts the codes. Errors of kind usage where the tensors have not the shape of an output,
// where there are not one or two kernels, and where a kernel does not take the problem.
nlohmann::json history_json(const HistoryOptions& options, const ProblemOperands& operands,
                            const ComparedPair& pair, size_t index);

// A step's site, key or feature, value and error.
nlohmann::json step_json(const HistoryStep& step);

// The place in the codes of an element that the options name; an index that the tensor does not
// have is an Error of kind usage.
size_t element_place(const std::vector<int64_t>& element, const std::vector<int64_t>& axes);

}  // namespace ulpscope
