// All results of an operation on two codes of a format of 8 bits or fewer, looked up.
//
//   const auto products = product_table(e4m3fn, nearest_even);
//   products.bits(0x38, 0x40)    // 1 x 2: 0x40
//   products.flags(0x7E, 0x7E)   // overflow | inexact | residue_saturated
//
// A table is made by the core, 65,536 operations in some milliseconds, and answers bit for bit what
// the core answers, several times as fast (docs/performance.md). It holds codes and flags; whoever
// wants the residue asks the core.
//
// Limits: 64 KiB of codes and 128 KiB of flags a table: more than the first cache, so that few
// tables at a time are fast. Bits above a code's width are ignored.
// Host only. Tested by tests/arith/pair_table_test.cpp.
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/round/operand.hpp"

#include <string>
#include <vector>

namespace ulpscope {

class PairTable {
 public:
  // `operation` makes of two Exact<uint64_t> the exact result. A format of more than 8 bits is an
  // Error of kind usage.
  template <class Operation>
  PairTable(const Format& format, Rounding rounding, const Operation& operation) {
    if (!is_valid(format) || width(format) > code_bits) {
      throw Error(ErrorKind::usage, "PairTable: a format of 8 bits or fewer expected, found " +
                                        std::to_string(width(format)) + " bits");
    }
    codes_.reserve(codes * codes);
    flags_.reserve(codes * codes);
    const auto number = [&](size_t code) {
      return operand<uint64_t>(format, code & low_mask<size_t>(width(format)),
                               rounding.policy.flush);
    };
    for (size_t x = 0; x < codes; ++x) {
      for (size_t y = 0; y < codes; ++y) {
        const Rounded result = round_pack(format, operation(number(x), number(y)), rounding);
        codes_.push_back(static_cast<uint8_t>(result.bits));
        flags_.push_back(result.flags);
      }
    }
  }

  uint8_t bits(uint8_t x, uint8_t y) const { return codes_[place(x, y)]; }
  Flag flags(uint8_t x, uint8_t y) const { return flags_[place(x, y)]; }

 private:
  static constexpr int code_bits = 8;
  static constexpr size_t codes = size_t{1} << code_bits;

  static size_t place(uint8_t x, uint8_t y) { return size_t{x} << code_bits | y; }

  std::vector<uint8_t> codes_;
  std::vector<Flag> flags_;
};

inline PairTable sum_table(const Format& format, Rounding rounding) {
  return {format, rounding, [&](const auto& x, const auto& y) { return add(x, y, rounding.mode); }};
}
inline PairTable difference_table(const Format& format, Rounding rounding) {
  return {format, rounding,
          [&](const auto& x, const auto& y) { return subtract(x, y, rounding.mode); }};
}
inline PairTable product_table(const Format& format, Rounding rounding) {
  return {format, rounding, [](const auto& x, const auto& y) { return multiply(x, y); }};
}
inline PairTable quotient_table(const Format& format, Rounding rounding) {
  return {format, rounding, [](const auto& x, const auto& y) { return divide(x, y); }};
}

}  // namespace ulpscope
