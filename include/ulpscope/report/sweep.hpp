// A sweep for the terminal, for a spreadsheet and for eyes; drawn from its JSON alone
// (schema "ulpscope.sweep/1", docs/cli.md).
//
//   sweep_text(summary)   the axes that vary and the figures, a line a point
//   sweep_csv(summary)    every figure in full
//   sweep_page(summary)   one HTML page: a line plot a drawn figure, then the table
//
// Points that no kernel took are listed with their reasons. All throw Error(input) where the JSON
// is no sweep's. Tested by tests/report/sweep_test.cpp.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

inline constexpr const char* sweep_schema = "ulpscope.sweep/1";

std::string sweep_text(const nlohmann::json& summary);
std::string sweep_csv(const nlohmann::json& summary);
std::string sweep_page(const nlohmann::json& summary);

}  // namespace ulpscope
