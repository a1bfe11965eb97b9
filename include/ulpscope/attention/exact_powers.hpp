// The exact values of 2^x or e^x of a whole row: those of exp2_value and exp_value, bit for bit.
//
//   exact_powers(Power::of_two, x, values);     // values.high[i] + values.low[i] = 2^x[i]
//
// The 64 bits of the scalar functions (arith/elementary.hpp) by the same steps in lanes of 64 bits,
// products put together from halves. Left to the scalar functions are infinities, NaN, and powers
// of |x| beyond 2^9 or, but for 0, below 2^-41.
//
// Host only. Tested by tests/attention/exact_powers_test.cpp.
#pragma once

#include "ulpscope/arith/elementary.hpp"
#include "ulpscope/attention/exact_row.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

enum class Power { of_two, of_e };

// No more registers than a block has room for.
void exact_powers(Power power, std::span<const uint32_t> x, ExactValues& to);

// What the instruction of an exponential should have returned: of a row, and of one element.
struct ExactPower {
  Power power;

  void row(std::span<const uint32_t> x, ExactValues& to) const { exact_powers(power, x, to); }
  ULPSCOPE_HD constexpr Exact<uint64_t> operator()(uint32_t x) const {
    constexpr Format binary32 = fp32;
    const auto value = decode<uint64_t>(binary32, x);
    switch (power) {
      case Power::of_two: break;
      case Power::of_e: return exp_value(value);
    }
    return exp2_value(value);
  }
};

}  // namespace ulpscope
