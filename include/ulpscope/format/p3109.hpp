// The formats of IEEE P3109, draft 3.2: a family of three numbers and two choices.
//
//   p3109_format({.width = 8, .precision = 3, .sign = Sign::present, .domain = Domain::extended})
//     is binary8p3se: 5 exponent bits of bias 16, 2 trailing bits, infinities at 0x7F and 0xFF,
//     NaN at 0x80
//
// There is one zero and one NaN: at the code of -0, or at the highest code where there are no
// signs. The extended domain has infinities next to the highest code, the finite one numbers. The
// draft's name is binary{K}p{P}{s|u}{e|f}; `@3.2` behind it says the draft and may be left out.
//
// Limits: K = 3..16; P = 1..K-1 with signs, 1..K without. Tested by tests/format/p3109_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ulpscope {

inline constexpr std::string_view p3109_draft = "3.2";

enum class Domain : uint8_t { extended, finite };

struct P3109 {
  int width;      // K
  int precision;  // P
  Sign sign;
  Domain domain;
};

// Nothing where K or P is out of range, or no finite number would be left beside zero.
constexpr std::optional<Format> p3109_format(const P3109& p) {
  const bool is_signed = p.sign == Sign::present;
  const int widest = is_signed ? p.width - 1 : p.width;
  if (p.width < 3 || p.width > 16 || p.precision < 1 || p.precision > widest) return std::nullopt;
  const int exponent_bits = p.width - p.precision + (is_signed ? 0 : 1);
  const Format format{
      .exponent_bits = exponent_bits,
      .trailing_bits = p.precision - 1,
      .bias = 1 << (exponent_bits - 1),
      .infinity = p.domain == Domain::extended ? Infinity::present : Infinity::absent,
      .nan = is_signed ? Nan::minus_zero : Nan::highest,
      .zero = Zero::positive,
      .sign = p.sign};
  if (!is_valid(format)) return std::nullopt;
  return format;
}

// binary8p3se, binary8p3se@3.2; nothing for other names.
std::optional<Format> find_p3109(std::string_view name);

// "binary8p3se@3.2" if the format is one of the family.
std::optional<std::string> p3109_name(const Format& format);

}  // namespace ulpscope
