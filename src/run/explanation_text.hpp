// The sentences of an explanation, out of the summary with its attribution and cures. Tested by
// tests/run/explain_run_test.cpp.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// A tensor of the attribution.
std::string cause_sentence(const nlohmann::json& summary, const nlohmann::json& tensor);

// For a summary that calls nothing biased.
std::string nobody_sentence(const nlohmann::json& summary);

}  // namespace ulpscope
