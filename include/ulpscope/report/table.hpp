// A run for the terminal and for a spreadsheet.
//
// `text_summary` is plain text of at most 120 columns, without colour codes: the verdict, a line
// for each output, then the sites with mean, standard error, z and ties. An asterisk stands at
// every z that is called (|z| >= 5).
//
// `csv_summary` has one row for each output and site with every number in full (a comparison: one
// row). Absent values are empty cells. A text that a spreadsheet would run as a formula, because it
// begins with = + - or @, is quoted and led by an apostrophe.
//
// Both throw Error(input) as parse_summary does. Tested by tests/report/table_test.cpp.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Lines of at most 120 columns, broken at blanks; all but the first are indented. A word longer
// than a line is cut, as nothing may run over the edge.
std::string wrapped(const std::string& text, std::size_t indent);

std::string text_summary(const nlohmann::json& summary);
std::string csv_summary(const nlohmann::json& summary);

}  // namespace ulpscope
