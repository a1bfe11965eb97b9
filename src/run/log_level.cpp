#include "ulpscope/run/log_level.hpp"

#include "ulpscope/base/error.hpp"

#include <array>

#include <fmt/format.h>

namespace ulpscope {

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::none: return "none";
    case LogLevel::statistics: return "statistics";
    case LogLevel::full: return "full";
  }
  return {};
}

LogLevel log_level_named(std::string_view name) {
  for (const LogLevel level : {LogLevel::none, LogLevel::statistics, LogLevel::full}) {
    if (log_level_name(level) == name) return level;
  }
  throw Error(ErrorKind::usage, fmt::format("--log {}: expected none, statistics or full", name));
}

}  // namespace ulpscope
