#include "ulpscope/format/catalogue.hpp"

#include "ulpscope/base/error.hpp"

#include <charconv>

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

// A whole decimal number at the front of `text`, which it consumes.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  if (text.starts_with('-')) return std::nullopt;  // from_chars would read -0 as 0
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, char letter) {
  if (text.empty() || text.front() != letter) return false;
  text.remove_prefix(1);
  return true;
}

// eXmY, nothing behind it.
std::optional<Format> parse_exmy(std::string_view name) {
  if (!take(name, 'e')) return std::nullopt;
  const auto exponent_bits = take_number(name);
  if (!exponent_bits || *exponent_bits < 1 || *exponent_bits > 15 || !take(name, 'm')) {
    return std::nullopt;
  }
  const auto trailing_bits = take_number(name);
  if (!trailing_bits || *trailing_bits > 62 || !name.empty()) return std::nullopt;
  const Format format = ieee_like(*exponent_bits, *trailing_bits);
  if (!is_valid(format)) return std::nullopt;
  return format;
}

std::string_view suffix(Specials specials) {
  switch (specials) {
    case Specials::ieee: return "";
    case Specials::fn: return "fn";
    case Specials::finite: return "finite";
  }
  return "";
}

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  for (const auto& row : catalogue) {
    if (row.name == name || is_word_of(name, row.aliases)) return row.format;
  }
  return parse_exmy(name);
}

Format format_named(std::string_view name) {
  if (const auto format = find_format(name)) return *format;
  std::string known;
  for (const auto& row : catalogue) known += fmt::format("{}, ", row.name);
  throw Error(ErrorKind::usage,
              fmt::format("unknown format '{}': expected one of {}or eXmY with X exponent bits "
                          "(1 to 15) and Y trailing bits (0 to 62), 64 bits in all at most",
                          name, known));
}

std::string format_name(const Format& format) {
  for (const auto& row : catalogue) {
    if (row.format == format) return std::string(row.name);
  }
  auto name =
      fmt::format("e{}m{}{}", format.exponent_bits, format.trailing_bits, suffix(format.specials));
  const int usual = ieee_like(format.exponent_bits, format.trailing_bits).bias;
  if (format.bias != usual) name += fmt::format("b{}", format.bias);
  return name;
}

}  // namespace ulpscope
