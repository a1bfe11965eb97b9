#include "ulpscope/format/p3109.hpp"

#include "text.hpp"
#include <fmt/format.h>

namespace ulpscope {

std::optional<Format> find_p3109(std::string_view name) {
  if (!take(name, "binary")) return std::nullopt;
  const auto width = take_number(name);
  if (!width || !take(name, "p")) return std::nullopt;
  const auto precision = take_number(name);
  if (!precision) return std::nullopt;
  const bool is_signed = take(name, "s");
  if (!is_signed && !take(name, "u")) return std::nullopt;
  const bool extended = take(name, "e");
  if (!extended && !take(name, "f")) return std::nullopt;
  if (take(name, "@") && !take(name, p3109_draft)) return std::nullopt;
  if (!name.empty()) return std::nullopt;
  return p3109_format({.width = *width,
                       .precision = *precision,
                       .sign = is_signed ? Sign::present : Sign::absent,
                       .domain = extended ? Domain::extended : Domain::finite});
}

std::optional<std::string> p3109_name(const Format& format) {
  const P3109 p{.width = width(format),
                .precision = precision(format),
                .sign = format.sign,
                .domain = has_infinity(format) ? Domain::extended : Domain::finite};
  if (p3109_format(p) != format) return std::nullopt;
  return fmt::format("binary{}p{}{}{}@{}", p.width, p.precision,
                     p.sign == Sign::present ? 's' : 'u', p.domain == Domain::extended ? 'e' : 'f',
                     p3109_draft);
}

}  // namespace ulpscope
