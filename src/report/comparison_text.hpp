// Two tensors on the terminal: counts, the first difference, the worst groups, the best fits.
// Tested by tests/report/comparison_test.cpp.
#pragma once

#include "ulpscope/report/summary.hpp"

#include <string>

namespace ulpscope::detail {

// Empty where nothing was compared; else it begins with an empty line.
std::string comparison_text(const Summary& summary);

}  // namespace ulpscope::detail
