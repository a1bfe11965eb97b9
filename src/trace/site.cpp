#include "ulpscope/trace/site.hpp"

#include "ulpscope/base/error.hpp"

#include <fmt/format.h>

namespace ulpscope {

Site site_named(std::string_view name) {
  std::string known;
  for (const auto& row : site_table) {
    if (row.name == name) return row.site;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown site '{}': expected one of {}", name, known));
}

}  // namespace ulpscope
