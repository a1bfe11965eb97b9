#include "ulpscope/format/catalogue.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/p3109.hpp"

#include "text.hpp"
#include <fmt/format.h>

namespace ulpscope {

namespace {

bool is_word_of(std::string_view name, std::string_view list) {
  while (!list.empty()) {
    const auto end = list.find(' ');
    if (list.substr(0, end) == name) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
  return false;
}

// ---- The switches' spellings ------------------------------------------------------------------

// What a suffix says of the codes that are no numbers; sizes and bias are not looked at.
struct Suffix {
  std::string_view text;
  Format switches;
};
constexpr std::array suffixes{
    Suffix{"fnuz", fnuz_like(1, 1, 0)},
    Suffix{"finite", finite_like(1, 1, 0)},
    Suffix{"fnu", e8m0fnu},
    Suffix{"fn", e4m3fn},
    Suffix{"", ieee_like(1, 1)},
};

struct Switch {
  std::string_view text;
  void (*set)(Format&);
};
constexpr std::array switches{
    Switch{"+inf", [](Format& f) { f.infinity = Infinity::present; }},
    Switch{"+noinf", [](Format& f) { f.infinity = Infinity::absent; }},
    Switch{"+nan=ieee", [](Format& f) { f.nan = Nan::ieee; }},
    Switch{"+nan=highest", [](Format& f) { f.nan = Nan::highest; }},
    Switch{"+nan=minus_zero", [](Format& f) { f.nan = Nan::minus_zero; }},
    Switch{"+nan=none", [](Format& f) { f.nan = Nan::none; }},
    Switch{"+zero=both", [](Format& f) { f.zero = Zero::both; }},
    Switch{"+zero=positive", [](Format& f) { f.zero = Zero::positive; }},
    Switch{"+zero=none", [](Format& f) { f.zero = Zero::none; }},
    Switch{"+sub", [](Format& f) { f.subnormals = Subnormals::present; }},
    Switch{"+nosub", [](Format& f) { f.subnormals = Subnormals::absent; }},
    Switch{"+signed", [](Format& f) { f.sign = Sign::present; }},
    Switch{"+unsigned", [](Format& f) { f.sign = Sign::absent; }},
};

// `sized` with its own numbers and the switches of another.
Format with_switches(const Format& sized, const Format& switched) {
  Format result = switched;
  result.exponent_bits = sized.exponent_bits;
  result.trailing_bits = sized.trailing_bits;
  result.bias = sized.bias;
  return result;
}

Format take_switches(std::string_view& text, Format f) {
  for (const auto& suffix : suffixes) {
    if (!take(text, suffix.text)) continue;
    f = with_switches(f, suffix.switches);
    break;
  }
  for (const auto& row : switches) {
    // Each at most once and in order; "+sub" must not take the front of another word.
    const bool whole = text == row.text || text.starts_with(fmt::format("{}+", row.text));
    if (whole && take(text, row.text)) row.set(f);
  }
  return f;
}

// The switches that lead from one format to another, in the order in which they are read.
std::string switches_between(const Format& from, const Format& to) {
  std::string text;
  Format reached = from;
  for (const auto& row : switches) {
    Format next = reached;
    row.set(next);
    const bool already = next == reached;
    Format back = to;
    row.set(back);
    if (already || back != to) continue;  // this switch would leave `to`
    reached = next;
    text += row.text;
  }
  return text;
}

// ---- Names ------------------------------------------------------------------------------------

// bN, N with a minus sign if negative (never -0).
std::optional<int> take_bias(std::string_view& text) {
  if (!take(text, "b")) return std::nullopt;
  const bool negative = take(text, "-");
  const auto magnitude = take_number(text);
  if (!magnitude || (negative && *magnitude == 0)) return std::nullopt;
  return negative ? -*magnitude : *magnitude;
}

// The bias of a name that gives none.
int usual_bias(const Format& f) {
  const bool fnuz = f.nan == Nan::minus_zero && !has_infinity(f);
  return ieee_like(f.exponent_bits, 0).bias + (fnuz ? 1 : 0);
}

std::optional<Format> parse_exmy(std::string_view name) {
  if (!take(name, "e")) return std::nullopt;
  const auto exponent_bits = take_number(name);
  if (!exponent_bits || *exponent_bits < 1 || *exponent_bits > 16 || !take(name, "m")) {
    return std::nullopt;
  }
  const auto trailing_bits = take_number(name);
  if (!trailing_bits || *trailing_bits > 63) return std::nullopt;
  const bool has_bias = name.starts_with('b');
  const auto bias = take_bias(name);
  if (has_bias && !bias) return std::nullopt;
  Format format = take_switches(name, ieee_like(*exponent_bits, *trailing_bits));
  format.bias = bias.value_or(usual_bias(format));
  if (!name.empty() || !is_valid(format)) return std::nullopt;
  return format;
}

std::string spelled(const Format& format, bool with_bias) {
  const auto bias = with_bias ? fmt::format("b{}", format.bias) : std::string();
  return fmt::format("e{}m{}{}{}", format.exponent_bits, format.trailing_bits, bias,
                     specials_name(format) == "ieee" ? "" : specials_name(format));
}

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  for (const auto& row : catalogue) {
    if (row.name == name || is_word_of(name, row.aliases)) return row.format;
  }
  const auto p3109 = find_p3109(name);
  return p3109 ? p3109 : parse_exmy(name);
}

Format format_named(std::string_view name) {
  if (const auto format = find_format(name)) return *format;
  std::string known;
  for (const auto& row : catalogue) known += fmt::format("{}, ", row.name);
  throw Error(ErrorKind::usage,
              fmt::format("unknown format '{}': expected one of {}a P3109 name such as "
                          "binary8p3se, or eXmY with X exponent bits (1 to 16) and Y trailing bits "
                          "(0 to 63), behind it bN for a bias, then fn, finite, fnuz or fnu and "
                          "switches such as +noinf",
                          name, known));
}

std::string specials_name(const Format& format) {
  std::string shortest;
  for (const auto& suffix : suffixes) {
    const auto rest = switches_between(with_switches(format, suffix.switches), format);
    const auto text = fmt::format("{}{}", suffix.text, rest);
    if (shortest.empty() || text.size() <= shortest.size()) shortest = text;
  }
  return shortest.empty() ? "ieee" : shortest;
}

std::string format_name(const Format& format) {
  for (const auto& row : catalogue) {
    if (row.format == format) return std::string(row.name);
  }
  if (const auto p3109 = p3109_name(format)) return *p3109;
  // The short spelling unless it means another format: by its bias, or as a row of the catalogue.
  const auto name = spelled(format, false);
  return find_format(name) == format ? name : spelled(format, true);
}

}  // namespace ulpscope
