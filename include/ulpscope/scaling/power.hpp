// x^k in binary32 for real k: what COAT's range expansion bends values with.
//
//   power(Float32(2.0), Float32(0.5)) == 0x3FB504F3, sqrt(2)
//
// x^k = 2^(k log2 x), both functions in integers (arith/elementary.hpp), rounded once. They are
// good to 2^-55 of themselves, and an error of k log2 x is one of the result, so for results
// between 2^-128 and 2^128 the value that is rounded is off by at most 2^-47 of itself: power() is
// within 1/2 + 2^-22 ulp, and the nearest number unless a tie is that close. Below the normal
// numbers the ulp is larger and the bound with it better.
//
// Domain: x >= 0, k > 0. Tested by tests/scaling/power_test.cpp against Boost's 113-bit pow.
#pragma once

#include "ulpscope/arith/elementary.hpp"
#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

// The arithmetic in which scales are computed: binary32, every operation correctly rounded.
using Float32 = Soft<fp32>;

ULPSCOPE_HD constexpr Exact<uint64_t> exact_value(Float32 x) {
  constexpr Format f = fp32;
  return decode<uint64_t>(f, x.bits());
}
ULPSCOPE_HD constexpr Float32 to_float32(const Exact<uint64_t>& x) {
  constexpr Format f = fp32;
  return Float32::from_bits(round_pack(f, x, nearest_even).bits);
}

ULPSCOPE_HD constexpr Float32 power(Float32 x, Float32 k) {
  const auto base = exact_value(x);
  if (base.kind != Kind::finite) return x;
  auto exponent = log2_value(base);
  if (exponent.kind == Kind::zero) return Float32(1.0);
  const auto factor = exact_value(k);
  const uint128 product = uint128{exponent.significand} * factor.significand;
  const int excess = bit_width(product) > 64 ? bit_width(product) - 64 : 0;
  exponent.significand = static_cast<uint64_t>(product >> excess);
  exponent.exponent += factor.exponent + excess;
  return to_float32(exp2_value(exponent));
}

}  // namespace ulpscope
