// A run as one HTML page: static SVG and CSS, no script, nothing from the network.
//
// The order answers a reader's questions: what is the verdict, and why; how large is the error of
// every output; how is it spread; where is it, in rows, features and heads; does it go with the
// magnitude; which elements are worst; which step brings the bias in and what removes it, if that
// was asked; what did every rounding site add; what was run, on which
// inputs, in which formats; and with which command can it be run again.
//
//   std::ofstream("report.html") << html_report(nlohmann::json::parse(text));
//
// The page carries a content security policy that forbids everything but its own styles, and every
// string out of the summary is escaped, so a report about a hostile file is safe to open. Equal
// summaries give equal bytes. Throws Error(input) as parse_summary does.
//
// Tested by tests/report/page_test.cpp.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

std::string html_report(const nlohmann::json& summary);

}  // namespace ulpscope
