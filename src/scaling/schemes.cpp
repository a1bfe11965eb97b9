#include "ulpscope/scaling/schemes.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <string>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// The row of that name, or an Error that lists all.
template <class Rows>
const auto& row_named(const Rows& rows, std::string_view what, std::string_view name) {
  std::string known;
  for (const auto& row : rows) {
    if (row.name == name) return row;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown {} '{}': expected one of {}", what, name, known));
}

}  // namespace

const NamedScheme& named_scheme(std::string_view name) {
  return row_named(schemes, "scheme", name);
}
ScalingScheme scheme_named(std::string_view name) { return named_scheme(name).scheme; }
ScaleRule scale_rule_named(std::string_view name) {
  return row_named(scale_rules, "scale rule", name).rule;
}

std::string_view scale_rule_name(const ScaleRule& rule) {
  for (const auto& row : scale_rules) {
    if (row.rule == rule) return row.name;
  }
  return {};
}

void check_scheme(const ScalingScheme& s) {
  if (is_valid(s)) return;
  throw Error(
      ErrorKind::usage,
      fmt::format("elements of {} in blocks of {} with {} scales by rule '{}': expected elements "
                  "and scales of at most 32 bits that binary32 holds (elements up to 2 or more for "
                  "an expansion), blocks of 0 or more, and power-of-two rules for e8m0fnu scales",
                  format_name(s.element), s.block, format_name(s.scale), scale_rule_name(s.rule)));
}

}  // namespace ulpscope
