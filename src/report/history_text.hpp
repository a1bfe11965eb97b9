// The history of an element, on the terminal and on the page.
// Tested by tests/report/comparison_test.cpp.
#pragma once

#include "ulpscope/report/comparison.hpp"

#include <string>

namespace ulpscope::detail {

std::string history_text(const HistoryRow& history);
std::string history_html(const HistoryRow& history);

}  // namespace ulpscope::detail
