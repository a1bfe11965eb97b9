// A number as text, in the three ways that a person debugging a rounding wants to see it.
//
//   decimal(Soft<bf16>(-4.71875))    -> "-4.71875"          shortest that reads back as the value
//   hex_float(Soft<bf16>(-4.71875))  -> "-0x1.2ep+2"        every bit of the significand
//   bit_fields(Soft<bf16>(-4.71875)) -> "1 10000001 0010111" sign, exponent field, trailing bits
//
// Nothing is rounded on the way and no locale is asked. Limits: decimal and hex_float take the
// formats whose values binary64 holds, which are all of the catalogue; bit_fields takes any.
// Host only. Tested by tests/interop/text_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/format/subset.hpp"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace ulpscope {

template <Format F, Rounding R>
requires(is_subset(F, fp64)) std::string decimal(Soft<F, R> x) {
  if (is_nan(F, x.bits())) return is_negative(F, x.bits()) ? "-nan" : "nan";
  std::array<char, 32> text{};  // 24 characters at most: -2.2250738585072014e-308
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<double>(x));
  return {text.data(), end.ptr};
}

template <Format F, Rounding R>
requires(is_subset(F, fp64)) std::string hex_float(Soft<F, R> x) {
  if (!is_finite(F, x.bits())) return decimal(x);
  const std::string_view sign = is_negative(F, x.bits()) ? "-0x" : "0x";
  std::array<char, 32> text{};  // 20 characters at most: 1.fffffffffffffp+1023
  const auto end = std::to_chars(text.data(), text.data() + text.size(),
                                 static_cast<double>(abs(x)), std::chars_format::hex);
  return std::string(sign).append(text.data(), end.ptr);
}

template <Format F, Rounding R>
std::string bit_fields(Soft<F, R> x) {
  std::string text;
  for (int place = width(F) - 1; place >= 0; --place) {
    const bool starts_field = place == width(F) - 2 || place == F.trailing_bits - 1;
    if (starts_field) text += ' ';
    text += (uint64_t{x.bits()} >> place & 1) != 0 ? '1' : '0';
  }
  return text;
}

}  // namespace ulpscope
