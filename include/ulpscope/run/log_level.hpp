// How much of a run is logged beside what it computes; each level costs several times the last.
//
//   none         outputs and gradients alone: what the kernel would leave
//   statistics   and every rounding in the statistics of its site
//   full         and every element against the reference
//
// The outputs are the same bits at every level. Tested by tests/run/log_level_test.cpp.
#pragma once

#include <string_view>

namespace ulpscope {

enum class LogLevel { none, statistics, full };

std::string_view log_level_name(LogLevel level);

// An Error of kind usage for another name.
LogLevel log_level_named(std::string_view name);

}  // namespace ulpscope
