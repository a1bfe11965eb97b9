#include "ulpscope/round/text.hpp"

#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/value.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr size_t most_digits = 1000;
constexpr int most_power = 100'000;

// A natural number in digits of 32 bits, the lowest first.
using Digits = std::vector<uint32_t>;

void multiply_add(Digits& x, uint32_t factor, uint32_t term) {
  uint64_t carry = term;
  for (auto& digit : x) {
    carry += uint64_t{digit} * factor;
    digit = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) x.push_back(static_cast<uint32_t>(carry));
}

// The remainder's place is taken by the quotient.
uint32_t divide(Digits& x, uint32_t divisor) {
  uint64_t rest = 0;
  for (size_t i = x.size(); i-- > 0;) {
    rest = rest << 32 | x[i];
    x[i] = static_cast<uint32_t>(rest / divisor);
    rest %= divisor;
  }
  while (!x.empty() && x.back() == 0) x.pop_back();
  return static_cast<uint32_t>(rest);
}

// x 2^exponent cut to 254 bits, what is below as sticky.
Exact<Uint256> leading(const Digits& x, int exponent, bool sticky) {
  if (x.empty()) return exact_zero<Uint256>(false);
  constexpr int kept_bits = 254;
  const int bits = static_cast<int>(32 * (x.size() - 1)) + bit_width(x.back());
  const int drop = bits > kept_bits ? bits - kept_bits : 0;
  Uint256 significand;
  for (int bit = bits - 1; bit >= drop; --bit) {
    const auto digit = x[static_cast<size_t>(bit) / 32];
    significand = (significand << 1) | Uint256{uint64_t{digit >> (bit % 32) & 1}};
  }
  for (int bit = 0; bit < drop; ++bit) {
    sticky = sticky || (x[static_cast<size_t>(bit) / 32] >> (bit % 32) & 1) != 0;
  }
  return {.significand = significand,
          .exponent = exponent + drop,
          .kind = Kind::finite,
          .sticky = sticky};
}

// digits x 10^power = digits x 5^power x 2^power. Division by 5^-power goes on for 256 bits more
// than the power takes; floor of a floor is the floor, so the steps may be short divisions.
Exact<Uint256> scaled_by_ten(Digits x, int power) {
  constexpr uint32_t five_13 = 1'220'703'125;
  constexpr uint32_t five = 5;
  bool sticky = false;
  int exponent = power;
  if (x.empty()) return exact_zero<Uint256>(false);
  for (int left = power; left > 0; --left) multiply_add(x, five, 0);
  if (power < 0) {
    const auto words = static_cast<size_t>(-power * 3 / 32 + 9);
    x.insert(x.begin(), words, 0);
    exponent -= static_cast<int>(32 * words);
    int left = -power;
    for (; left >= 13; left -= 13) sticky = divide(x, five_13) != 0 || sticky;
    for (; left > 0; --left) sticky = divide(x, five) != 0 || sticky;
  }
  return leading(x, exponent, sticky);
}

struct Mantissa {
  Digits digits;
  int behind_point;
};

std::optional<uint32_t> digit_of(char c, uint32_t base) {
  const auto lower = static_cast<char>(c | 0x20);
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (base == 16 && lower >= 'a' && lower <= 'f') return static_cast<uint32_t>(lower - 'a' + 10);
  return std::nullopt;
}

std::optional<Mantissa> read_mantissa(std::string_view text, uint32_t base) {
  Mantissa result{{}, 0};
  bool point = false;
  size_t count = 0;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    const auto digit = digit_of(c, base);
    if (!digit || ++count > most_digits) return std::nullopt;
    multiply_add(result.digits, base, *digit);
    if (point) ++result.behind_point;
  }
  if (count == 0) return std::nullopt;
  return result;
}

std::optional<int> read_power(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int power = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), power);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (power > most_power || power < -most_power) return std::nullopt;
  return power;
}

std::optional<Exact<Uint256>> parse_magnitude(std::string_view text) {
  if (text == "inf" || text == "infinity") return exact_infinity<Uint256>(false);
  if (text == "nan") return exact_nan<Uint256>();
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  const auto mark = text.find_first_of(hex ? "pP" : "eE");
  const auto mantissa = read_mantissa(text.substr(0, mark), hex ? 16 : 10);
  if (!mantissa) return std::nullopt;
  int power = 0;
  if (mark != std::string_view::npos) {
    const auto read = read_power(text.substr(mark + 1));
    if (!read) return std::nullopt;
    power = *read;
  }
  if (!hex) return scaled_by_ten(mantissa->digits, power - mantissa->behind_point);
  return leading(mantissa->digits, power - 4 * mantissa->behind_point, false);
}

}  // namespace

std::optional<Exact<Uint256>> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  auto number = parse_magnitude(text);
  if (number) number->negative = negative;
  return number;
}

std::optional<uint128> parse_code(const Format& format, std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  if (text.empty()) return std::nullopt;
  uint128 code = 0;
  for (const char c : text) {
    const auto digit = digit_of(c, 16);
    if (!digit || code >> 124 != 0) return std::nullopt;
    code = code << 4 | *digit;
  }
  if (code >> width(format) != 0) return std::nullopt;
  return code;
}

std::string code_text(const Format& format, uint128 code) {
  return fmt::format("0x{:0{}x}", code, (width(format) + 3) / 4);
}

std::string value_text(const Format& format, uint128 code) {
  const auto x = decode<Uint256>(format, code);
  const char* const sign = x.negative ? "-" : "";
  if (x.kind == Kind::nan) return fmt::format("{}nan", sign);
  if (x.kind == Kind::infinity) return fmt::format("{}inf", sign);
  if (is_subset(format, ieee_like(11, 52))) return fmt::format("{}", double_value(format, code));
  if (x.kind == Kind::zero) return fmt::format("{}0", sign);
  const auto significand = static_cast<uint64_t>(x.significand);
  const auto below_one =
      bit_width(significand) == 1 ? 0 : significand << (65 - bit_width(significand));
  auto digits = below_one == 0 ? std::string() : fmt::format(".{:016x}", below_one);
  while (digits.ends_with('0')) digits.pop_back();
  return fmt::format("{}0x1{}p{:+}", sign, digits, exponent_of(x));
}

std::string fields_text(const Format& format, uint128 code) {
  const char* const sign = format.sign == Sign::absent ? ""
                           : is_negative(format, code) ? "1 "
                                                       : "0 ";
  const auto field =
      static_cast<uint64_t>((code & exponent_mask<uint128>(format)) >> format.trailing_bits);
  const auto trailing = static_cast<uint64_t>(code & trailing_mask<uint128>(format));
  return fmt::format(
      "{}{:0{}b}{}", sign, field, format.exponent_bits,
      format.trailing_bits == 0 ? "" : fmt::format(" {:0{}b}", trailing, format.trailing_bits));
}

std::string flag_names(Flag flags) {
  static constexpr std::array names{
      std::pair{Flag::inexact, "inexact"},
      std::pair{Flag::tie, "tie"},
      std::pair{Flag::broken_tie, "broken tie"},
      std::pair{Flag::away, "away from zero"},
      std::pair{Flag::carry_out, "carry out"},
      std::pair{Flag::round_carry, "round carry"},
      std::pair{Flag::subnormal, "subnormal"},
      std::pair{Flag::underflow, "underflow"},
      std::pair{Flag::underflow_after, "underflow after rounding"},
      std::pair{Flag::overflow, "overflow"},
      std::pair{Flag::divide_by_zero, "divide by zero"},
      std::pair{Flag::invalid, "invalid"},
  };
  std::string text;
  for (const auto& [flag, name] : names) {
    if (has(flags, flag)) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "exact" : text;
}

}  // namespace ulpscope
