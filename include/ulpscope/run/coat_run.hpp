// Adam's moments in 8 bits, drawn or of a file: the error of the step by their two formats.
//
//   run_coat({}) -> {"schema": "ulpscope.coat/1", "formats": [...], "steps": [[...], ...], ...}
//
// Tested by tests/run/coat_run_test.cpp.
#pragma once

#include "ulpscope/analysis/adam_states.hpp"
#include "ulpscope/format/format.hpp"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct CoatOptions {
  AdamLaw law = {};
  std::string first = {};  // FILE or FILE:TENSOR, with `second`, in place of drawn ones
  std::string second = {};
  std::optional<Format> format = {};  // of tensors that are bits only
  std::string command = {};
};

nlohmann::json run_coat(const CoatOptions& options);

}  // namespace ulpscope
