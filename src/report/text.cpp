#include "ulpscope/report/text.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {
namespace {

struct CodePoint {
  uint32_t value;
  std::size_t bytes;  // 0: the byte here does not begin a well-formed sequence
};

uint32_t byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
}

// Refuses overlong forms, surrogates and values above U+10FFFF, as the Unicode standard asks
// (table 3-7): a lenient reader would let an escape character through in disguise.
CodePoint next_code_point(std::string_view text, std::size_t i) {
  const uint32_t lead = byte_at(text, i);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (bytes == 0 || lead > 0xF4) return {0, 0};
  uint32_t value = lead & (0x7FU >> bytes);
  for (std::size_t k = 1; k < bytes; ++k) {
    const uint32_t next = byte_at(text, i + k);
    if ((next & 0xC0U) != 0x80U) return {0, 0};
    value = (value << 6) | (next & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < smallest[bytes] || surrogate || value > 0x10FFFF) return {0, 0};
  return {value, bytes};
}

bool is_control(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool is_deceptive(uint32_t c) {
  return c == 0xAD || c == 0x61C || c == 0xFEFF || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
         (c >= 0xE0000 && c <= 0xE007F);
}

bool is_wide(uint32_t c) { return c >= 0x1100 && !(c >= 0x1E00 && c <= 0x2E7F); }

std::string spell(double value) { return std::isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf"; }

// "-0.00" says nothing that "0.00" does not.
std::string without_minus_zero(std::string number) {
  const bool zero = number.find_first_of("123456789") == std::string::npos;
  return zero && number.front() == '-' ? number.substr(1) : number;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = next_code_point(text, i);
    if (c.bytes == 0 || is_control(c.value)) {
      out += fmt::format("\\x{:02x}", c.bytes == 0 ? byte_at(text, i) : c.value);
    } else if (is_deceptive(c.value)) {
      out += fmt::format("\\u{{{:x}}}", c.value);
    } else {
      out += text.substr(i, c.bytes);
    }
    i += c.bytes == 0 ? 1 : c.bytes;
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : visible(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string typographic(std::string_view number) {
  std::string out;
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (number.substr(i, 2) == "+-") {
      out += "±";
      ++i;
    } else if (number[i] == '-') {
      out += "−";
    } else {
      out += number[i];
    }
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = next_code_point(text, i);
    width += is_wide(c.value) ? 2 : 1;
    i += c.bytes == 0 ? 1 : c.bytes;
  }
  return width;
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (columns(text) <= limit) return std::string(text);
  std::string out;
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = next_code_point(text, i);
    const std::size_t bytes = c.bytes == 0 ? 1 : c.bytes;
    width += is_wide(c.value) ? 2 : 1;
    if (width + 2 > limit) break;
    out += text.substr(i, bytes);
    i += bytes;
  }
  return out + "..";
}

std::string grouped(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string compact(uint64_t count) {
  if (count < 1'000'000) return grouped(count);
  const auto value = static_cast<double>(count);
  // 999.95 would print as 1000.0 of the smaller unit.
  if (value < 999.95e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value < 999.95e9) return fmt::format("{:.1f} G", value / 1e9);
  if (value < 999.95e12) return fmt::format("{:.1f} T", value / 1e12);
  return fmt::format("{:.1e}", value);
}

std::string percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  if (part == 0) return "0 %";
  if (part == whole) return "100 %";
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (share < 0.1) return "<0.1 %";
  if (share > 99.9) return ">99.9 %";
  return fmt::format("{:.1f} %", share);
}

std::string real(double value, int digits) {
  if (!std::isfinite(value)) return spell(value);
  return without_minus_zero(fmt::format("{:.{}g}", value, digits));
}

std::string with_error(double mean, double standard_error) {
  if (!std::isfinite(mean)) return spell(mean);
  const bool usable = std::isfinite(standard_error) && standard_error > 0;
  if (!usable)
    return real(mean, 4) + (std::isnan(standard_error) ? "" : " +- " + real(standard_error, 2));
  const int decimals = 1 - static_cast<int>(std::floor(std::log10(standard_error)));
  if (decimals > 7 || std::fabs(mean) >= 1e7 || standard_error >= 1e7) {
    return without_minus_zero(fmt::format("{:.2e}", mean)) +
           fmt::format(" +- {:.1e}", standard_error);
  }
  const int places = decimals < 0 ? 0 : decimals;
  return without_minus_zero(fmt::format("{:.{}f}", mean, places)) +
         fmt::format(" +- {:.{}f}", standard_error, places);
}

std::string z_score(double z) {
  if (!std::isfinite(z)) return spell(z);
  if (std::fabs(z) >= 1e6) return fmt::format("{:+.0e}", z);
  const std::string text = fmt::format("{:+.{}f}", z, std::fabs(z) < 99.95 ? 1 : 0);
  return text.find_first_of("123456789") == std::string::npos ? text.substr(1) : text;
}

}  // namespace ulpscope
