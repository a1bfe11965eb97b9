// Two tensors, element by element: bits, ulps, signed bias of A against B, where they differ, and
// which rounding makes one of the other.
//
//   run_compare({.a = "x.npz:o", .b = "y.npz:fa_o", .format = bf16}) -> summary, kind "compare"
//
// Bits are compared where both tensors have one format; otherwise values are (bit_counts.hpp).
// Signed errors are (A - B) in ulps of A's format at B. Without a layout the last axis counts
// features, the one before it rows, the others heads.
//
// With the inputs of an attention problem, of which the tensors are an output, the first difference
// has its history in one or two kernels (history_run.hpp); the layout is then that of q.
//
// For a fit the tensor whose format has more bits is the wide one, whichever comes first.
// Memory: codes of both, and the errors of one head. Tested by tests/run/compare_run_test.cpp.
#pragma once

#include "ulpscope/run/history_run.hpp"
#include "ulpscope/run/inputs.hpp"
#include "ulpscope/run/one_tensor.hpp"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Whether to look for the rounding that explains the narrow tensor by the wide one.
enum class Fit { off, on };

struct CompareOptions {
  std::string a;  // FILE or FILE:TENSOR
  std::string b;
  std::optional<Format> format = {};  // of tensors that are bits only
  std::optional<Layout> layout = {};  // a tensor with an axis less has no features, as an LSE
  int64_t row_tile = 128;             // rows of a tile in the breakdown and in the heat map
  Fit fit = Fit::off;
  std::optional<HistoryOptions> history = {};  // by which kernels, on which inputs
  std::string out = {};  // folder for the same report; empty: nothing is written
  std::string command = {};
  const HeldTensors* held = nullptr;  // tensors in memory that a and b may name
};

// The summary; its verdict status is "equal" or "different": with a fit, whether a rounding
// explains every element.
nlohmann::json run_compare(const CompareOptions& options);

}  // namespace ulpscope
