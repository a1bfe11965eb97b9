// The summary of a run of attention: what its outline says, and what its units add up to.
//
// Tested by tests/run/attention_run_test.cpp.
#pragma once

#include "ulpscope/run/unit_result.hpp"

namespace ulpscope {

// Schema of summary_writer.hpp, with the outline's `fingerprint`.
nlohmann::json attention_summary(const Outline& outline, const RunTotals& totals);

}  // namespace ulpscope
