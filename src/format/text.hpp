// Reading the parts of a format's name from the front of a text, which each function consumes.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace ulpscope {

// A whole decimal number without sign or leading zeros: 0, 7, 12.
inline std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  if (text.starts_with('-') ||
      (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9')) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

inline bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace ulpscope
