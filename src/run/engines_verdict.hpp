// What a reader is told first of a comparison of engines: which are one-sided against the exact
// reference, which agree in every bit, which one is apart from the rest.
// Tested by tests/run/engines_run_test.cpp.
#pragma once

#include "ulpscope/run/engines_summary.hpp"

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// `status` and `text` of the summary's verdict.
nlohmann::json engines_verdict(const EnginesRecord& record);

}  // namespace ulpscope
