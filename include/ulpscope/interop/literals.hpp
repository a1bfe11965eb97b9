// Literals of the catalogue's formats: 1.5_bf16, 0x1.8p0_fp16, 448_e4m3fn.
//
//   using namespace ulpscope::literals;
//   CHECK(1.5_bf16 + 0.75_bf16 == 2.25_bf16);
//
// A literal rounds nothing: one that the format does not hold, as 0.1_bf16, does not compile.
// Where a rounding is meant, write Soft<bf16>(0.1). The numbers round to nearest even.
// Limits: formats whose values binary64 holds. Tested by tests/interop/literals_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

namespace detail {

template <Format F>
consteval Soft<F> held_exactly(long double x) {
  const Soft<F> number(static_cast<double>(x));
  const auto held = static_cast<long double>(static_cast<double>(number));
  if (!(held <= x && held >= x)) throw "the format does not hold this literal; write Soft<F>(x)";
  return number;
}

}  // namespace detail

namespace literals {

consteval auto operator""_bf16(long double x) { return detail::held_exactly<bf16>(x); }
consteval auto operator""_fp16(long double x) { return detail::held_exactly<fp16>(x); }
consteval auto operator""_tf32(long double x) { return detail::held_exactly<tf32>(x); }
consteval auto operator""_fp32(long double x) { return detail::held_exactly<fp32>(x); }
consteval auto operator""_fp64(long double x) { return detail::held_exactly<fp64>(x); }
consteval auto operator""_e4m3fn(long double x) { return detail::held_exactly<e4m3fn>(x); }
consteval auto operator""_e5m2(long double x) { return detail::held_exactly<e5m2>(x); }

// Without a point or exponent C++ reads an integer.
consteval auto operator""_bf16(unsigned long long x) { return detail::held_exactly<bf16>(x); }
consteval auto operator""_fp16(unsigned long long x) { return detail::held_exactly<fp16>(x); }
consteval auto operator""_tf32(unsigned long long x) { return detail::held_exactly<tf32>(x); }
consteval auto operator""_fp32(unsigned long long x) { return detail::held_exactly<fp32>(x); }
consteval auto operator""_fp64(unsigned long long x) { return detail::held_exactly<fp64>(x); }
consteval auto operator""_e4m3fn(unsigned long long x) { return detail::held_exactly<e4m3fn>(x); }
consteval auto operator""_e5m2(unsigned long long x) { return detail::held_exactly<e5m2>(x); }

}  // namespace literals

}  // namespace ulpscope
