#include "ulpscope/attention/casts.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/names.hpp"

#include <fmt/format.h>

namespace ulpscope {

namespace {

void set_mode(std::string_view text, std::string_view mode, SiteOverride& change) {
  if (!names_stochastic(mode)) {
    change.cast.rounding = rounding_named(mode);
    return;
  }
  change.cast.drawn = stochastic_named(mode);
  if (index(change.site) < forward_sites().size()) return;
  throw Error(
      ErrorKind::usage,
      fmt::format("--set {}: stochastic rounding is for sites of the forward pass; expected "
                  "one of them, or a mode that draws nothing",
                  text));
}

}  // namespace

std::string mode_name(const Cast& cast) {
  return cast.drawn ? stochastic_name(*cast.drawn) : rounding_name(cast.rounding);
}

SiteOverride parse_override(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    throw Error(
        ErrorKind::usage,
        fmt::format("--set {}: expected SITE=FORMAT, SITE=FORMAT:MODE or SITE=exact", text));
  }
  const auto cast_text = text.substr(equals + 1);
  if (cast_text == "exact") return {site_named(text.substr(0, equals)), exact_cast};
  const auto colon = cast_text.find(':');
  SiteOverride result{site_named(text.substr(0, equals)),
                      {.format = format_named(cast_text.substr(0, colon))}};
  if (colon != std::string_view::npos) set_mode(text, cast_text.substr(colon + 1), result);
  if (!is_subset(result.cast.format, fp32)) {
    throw Error(ErrorKind::usage,
                fmt::format("--set {}: the simulator's registers are binary32, which does not hold "
                            "every {} value; expected a format of at most 8 exponent and 23 "
                            "trailing bits",
                            text, format_name(result.cast.format)));
  }
  return result;
}

}  // namespace ulpscope
