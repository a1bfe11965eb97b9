// Numbers of a summary's JSON as text.
#pragma once

#include "ulpscope/report/text.hpp"

#include <string>

#include <nlohmann/json.hpp>

namespace ulpscope::cli {

// A number to so many digits; those that are not finite are words in the JSON already.
inline std::string figure(const nlohmann::json& x, int digits) {
  return x.is_string() ? x.get<std::string>() : real(x.get<double>(), digits);
}

}  // namespace ulpscope::cli
