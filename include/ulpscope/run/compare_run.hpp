// Two tensors, element by element: bits, ulps, signed bias of A against B.
//
//   run_compare({.a = "x.npz:o", .b = "y.npz:fa_o", .format = bf16}) -> summary, kind "compare"
//
// Bits are compared where both tensors have one format; otherwise values are. Distances in ulps are
// steps between neighbouring codes (both zeros at one place); signed errors are (A - B) in ulps of
// A's format at B. Two NaN agree, so do two infinities of one sign.
// Tested by tests/run/compare_run_test.cpp.
#pragma once

#include "ulpscope/run/one_tensor.hpp"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct CompareOptions {
  std::string a;  // FILE or FILE:TENSOR
  std::string b;
  std::optional<Format> format;  // of tensors that are bits only
  std::string out;               // folder for the same report; empty: nothing is written
  std::string command;
};

// The summary; its verdict status is "equal" or "different".
nlohmann::json run_compare(const CompareOptions& options);

// A summary's `comparison`: bits, values and distances of two tensors of one shape.
nlohmann::json comparison_json(const OneTensor& a, const OneTensor& b);

}  // namespace ulpscope
