// The summary of a run of attention: what its outline says, and what its units add up to.
//
// Tested by tests/run/attention_run_test.cpp.
#pragma once

#include "ulpscope/run/unit_result.hpp"

#include <filesystem>
#include <optional>

namespace ulpscope {

// Schema of summary_writer.hpp, with the outline's `fingerprint`.
nlohmann::json attention_summary(const Outline& outline, const RunTotals& totals);

// That of a finished run in a folder; nothing if there is none, or one of another fingerprint.
std::optional<nlohmann::json> finished_run(const std::filesystem::path& folder,
                                           const Outline& outline);

}  // namespace ulpscope
