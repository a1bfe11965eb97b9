#include "ulpscope/round/names.hpp"

#include "ulpscope/base/error.hpp"

#include <fmt/format.h>

namespace ulpscope {

Rounding rounding_named(std::string_view name) {
  constexpr std::string_view saturate = ":sat";
  std::string_view mode = name;
  Overflow overflow = Overflow::standard;
  if (mode.ends_with(saturate)) {
    mode.remove_suffix(saturate.size());
    overflow = Overflow::saturate;
  }
  std::string known;
  for (const auto& row : mode_names) {
    if (row.name == mode) return {row.mode, overflow};
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  throw Error(
      ErrorKind::usage,
      fmt::format("unknown rounding '{}': expected one of {}, with :sat to saturate", name, known));
}

std::string rounding_name(Rounding rounding) {
  std::string_view name;
  for (const auto& row : mode_names) {
    if (row.mode == rounding.mode) name = row.name;
  }
  switch (rounding.overflow) {
    case Overflow::standard: return std::string(name);
    case Overflow::saturate: return fmt::format("{}:sat", name);
  }
  return std::string(name);
}

}  // namespace ulpscope
