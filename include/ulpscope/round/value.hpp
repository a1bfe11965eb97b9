// A code's value as a double, for those who print, compare or judge.
//
//   double_value(bf16, 0xC097) == -4.71875
//
// Exact for every format that binary64 holds, which is all of the catalogue; wider ones are
// rounded to nearest even. Tested by tests/round/value_test.cpp.
#pragma once

#include "ulpscope/round/round_pack.hpp"

namespace ulpscope {

template <class Bits>
ULPSCOPE_HD constexpr double double_value(const Format& f, Bits bits) {
  constexpr Format binary64{.exponent_bits = 11, .trailing_bits = 52, .bias = 1023};
  constexpr Rounding to_nearest_even{};
  return bit_cast<double>(round_pack(binary64, decode<Uint256>(f, bits), to_nearest_even).bits);
}

}  // namespace ulpscope
