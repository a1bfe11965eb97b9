// A text as one cell of a CSV file.
//
//   csv_text("=1+1") == "\"'=1+1\""
//
// Tested by tests/report/table_test.cpp and sweep_test.cpp.
#pragma once

#include "ulpscope/report/text.hpp"

#include <string>
#include <string_view>

namespace ulpscope::detail {

// RFC 4180 quoting. A leading apostrophe is what makes a spreadsheet show, not run, the rest.
inline std::string csv_text(std::string_view raw) {
  std::string text = visible(raw);
  const bool formula =
      !text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos;
  if (formula) text.insert(0, "'");
  if (!formula && text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  return out + "\"";
}

}  // namespace ulpscope::detail
