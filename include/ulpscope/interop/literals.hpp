// Literals of the catalogue's formats: 1.5_bf16, 0x1.8p0_fp16, 448_e4m3fn.
//
//   using namespace ulpscope::literals;
//   CHECK(1.5_bf16 + 0.75_bf16 == 2.25_bf16);
//
// A literal rounds nothing: one that the format does not hold, as 0.1_bf16 or 257_bf16, does not
// compile. Where a rounding is meant, write Soft<bf16>(0.1). The text is read as an exact ratio,
// never through a double, so that 16777217_fp32 is refused and not rounded on the way. A format of
// your own gets its literals in one line:
//
//   template <char... text>
//   consteval auto operator""_e3m5() { return exact_literal<ieee_like(3, 5), text...>(); }
//
// Limits: 38 significant decimal digits, or 128 bits in hex; the numbers round to nearest even.
// Tested by tests/interop/literals_test.cpp and tests/interop/compile_fail.
#pragma once

#include "ulpscope/arith/soft.hpp"

#include <string_view>

namespace ulpscope {

namespace detail {

// significand x 2^exponent
struct Dyadic {
  uint128 significand;
  int exponent;
};

// A throw in what must be a constant is how a compiler is told to refuse; its message shows the
// line.
consteval uint128 times_plus(uint128 x, unsigned factor, unsigned term) {
  if (x > (~uint128{0} - term) / factor) throw "more digits than a literal may have";
  return x * factor + term;
}

consteval unsigned digit_value(char c) {
  if (c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a' + 10);  // 0x20 makes a letter lower case
}

consteval unsigned take_base(std::string_view& text) {
  const auto drop = [&text](size_t prefix, unsigned base) {
    text.remove_prefix(prefix);
    return base;
  };
  if (text.starts_with("0x") || text.starts_with("0X")) return drop(2, 16);
  if (text.starts_with("0b") || text.starts_with("0B")) return drop(2, 2);
  const bool octal =
      text.size() > 1 && text[0] == '0' && text.find_first_of(".eE") == std::string_view::npos;
  return octal ? drop(1, 8) : 10;
}

consteval int read_exponent(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  for (const char c : text) {
    if (c == '\'') continue;
    exponent = exponent * 10 + (c - '0');
    if (exponent > 100'000) throw "an exponent beyond every format";
  }
  return negative ? -exponent : exponent;
}

// D x 10^e as an integer times a power of two. Below e = 0 that takes a D with the factor 5^-e:
// without it the number is no multiple of any power of two, and no binary format holds it.
consteval Dyadic scaled_by_ten(uint128 digits, int power) {
  if (digits == 0) return {0, 0};
  Dyadic number{digits, power};
  for (; (number.significand & 1) == 0; ++number.exponent) number.significand >>= 1;
  for (int i = 0; i < power; ++i) number.significand = times_plus(number.significand, 5, 0);
  for (int i = 0; i > power; --i) {
    if (number.significand % 5 != 0) throw "no binary format holds this literal";
    number.significand /= 5;
  }
  return number;
}

// The value of a C++ integer or floating literal; the compiler has seen to it that it is one.
consteval Dyadic read_literal(std::string_view text) {
  const unsigned base = take_base(text);
  const auto mark = text.find_first_of(base == 16 ? "pP" : base == 10 ? "eE" : "");
  const auto mantissa = text.substr(0, mark);
  uint128 digits = 0;
  int behind_point = 0;
  bool point = false;
  for (const char c : mantissa) {
    if (c == '.') point = true;
    if (c == '.' || c == '\'') continue;
    digits = times_plus(digits, base, digit_value(c));
    behind_point += point ? 1 : 0;
  }
  const int exponent = mark == std::string_view::npos ? 0 : read_exponent(text.substr(mark + 1));
  if (base == 10) return scaled_by_ten(digits, exponent - behind_point);
  return {digits, exponent - 4 * behind_point};
}

template <Format F>
consteval Soft<F> held_exactly(Dyadic x) {
  using Word = std::conditional_t<(precision(F) > widest_medium_precision), Uint256, uint128>;
  const Exact<Word> exact{.significand = static_cast<Word>(x.significand),
                          .exponent = x.exponent,
                          .kind = x.significand == 0 ? Kind::zero : Kind::finite};
  const auto rounded = round_pack<code_for<F>>(F, exact, nearest_even);
  if (has(rounded.flags, Flag::inexact)) throw "the format does not hold this literal";
  return Soft<F>::from_bits(rounded.bits);
}

}  // namespace detail

template <Format F, char... text>
consteval Soft<F> exact_literal() {
  constexpr char spelled[] = {text...};
  return detail::held_exactly<F>(detail::read_literal({spelled, sizeof...(text)}));
}

namespace literals {

template <char... text>
consteval auto operator""_bf16() {
  return exact_literal<bf16, text...>();
}
template <char... text>
consteval auto operator""_fp16() {
  return exact_literal<fp16, text...>();
}
template <char... text>
consteval auto operator""_tf32() {
  return exact_literal<tf32, text...>();
}
template <char... text>
consteval auto operator""_fp32() {
  return exact_literal<fp32, text...>();
}
template <char... text>
consteval auto operator""_fp64() {
  return exact_literal<fp64, text...>();
}
template <char... text>
consteval auto operator""_e4m3fn() {
  return exact_literal<e4m3fn, text...>();
}
template <char... text>
consteval auto operator""_e5m2() {
  return exact_literal<e5m2, text...>();
}
template <char... text>
consteval auto operator""_e4m3() {
  return exact_literal<e4m3, text...>();
}
template <char... text>
consteval auto operator""_e3m4() {
  return exact_literal<e3m4, text...>();
}
template <char... text>
consteval auto operator""_e4m3fnuz() {
  return exact_literal<e4m3fnuz, text...>();
}
template <char... text>
consteval auto operator""_e5m2fnuz() {
  return exact_literal<e5m2fnuz, text...>();
}
template <char... text>
consteval auto operator""_e4m3b11fnuz() {
  return exact_literal<e4m3b11fnuz, text...>();
}
template <char... text>
consteval auto operator""_e2m3fn() {
  return exact_literal<e2m3fn, text...>();
}
template <char... text>
consteval auto operator""_e3m2fn() {
  return exact_literal<e3m2fn, text...>();
}
template <char... text>
consteval auto operator""_e2m1fn() {
  return exact_literal<e2m1fn, text...>();
}
template <char... text>
consteval auto operator""_e8m0fnu() {
  return exact_literal<e8m0fnu, text...>();
}

}  // namespace literals

}  // namespace ulpscope
