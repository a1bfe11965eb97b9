// A number as text, in the three ways that a person debugging a rounding wants to see it.
//
//   decimal(Soft<bf16>(-4.71875))    -> "-4.71875"          shortest that a double reads back
//   hex_float(Soft<bf16>(-4.71875))  -> "-0x1.2ep+2"        every bit of the significand
//   bit_fields(Soft<bf16>(-4.71875)) -> "1 10000001 0010111" sign, exponent field, trailing bits
//
// Nothing is rounded on the way and no locale is asked. decimal is as short as binary64 allows, not
// as the format does: bf16's 0.1 is 0.10009765625, which is what a test of its rounding is about.
// Limits: decimal takes the formats whose values binary64 holds, all of the catalogue.
// Host only. Tested by tests/interop/text_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/format/subset.hpp"

#include <array>
#include <charconv>
#include <string>

namespace ulpscope {

template <Format F, Rounding R>
requires(is_subset(F, fp64)) std::string decimal(Soft<F, R> x) {
  const auto exact = decode<word_for<F>>(F, x.bits());
  if (exact.kind == Kind::nan) return exact.negative ? "-nan" : "nan";
  std::array<char, 32> text{};  // 24 characters at most: -2.2250738585072014e-308
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<double>(x));
  return {text.data(), end.ptr};
}

// Significands start with 1, those of subnormal numbers too: 0x1p-133 is bf16's smallest.
template <Format F, Rounding R>
std::string hex_float(Soft<F, R> x) {
  const auto exact = decode<word_for<F>>(F, x.bits());
  const std::string sign = exact.negative ? "-" : "";
  switch (exact.kind) {
    case Kind::nan: return sign + "nan";
    case Kind::infinity: return sign + "inf";
    case Kind::zero: return sign + "0x0p+0";
    case Kind::finite: break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = sign + "0x1";
  auto below_one = static_cast<uint64_t>(exact.significand) << (64 - bit_width(exact.significand));
  below_one <<= 1;
  if (below_one != 0) text += '.';
  for (; below_one != 0; below_one <<= 4) text += digits[below_one >> 60];
  const int exponent = exponent_of(exact);
  return text + (exponent < 0 ? "p" : "p+") + std::to_string(exponent);
}

template <Format F, Rounding R>
std::string bit_fields(Soft<F, R> x) {
  std::string text;
  for (int place = width(F) - 1; place >= 0; --place) {
    const bool starts_field =
        place == F.exponent_bits + F.trailing_bits - 1 || place == F.trailing_bits - 1;
    if (starts_field && !text.empty()) text += ' ';
    text += (x.bits() >> place & 1) != 0 ? '1' : '0';
  }
  return text;
}

}  // namespace ulpscope
