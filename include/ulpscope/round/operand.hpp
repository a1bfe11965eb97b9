// An operand as an operation reads it: decoded, and flushed if the policy says so.
//
//   operand<uint64_t>(fp32, 0x807FFFFF, Flush::inputs) is -0
//
// Tested by tests/round/operand_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

namespace ulpscope {

template <class Word, class Bits>
ULPSCOPE_HD constexpr Exact<Word> operand(const Format& f, Bits bits, Flush flush) {
  const auto x = decode<Word>(f, bits);
  if (flushes_inputs(flush) && is_subnormal(f, bits)) {
    return exact_zero<Word>(x.negative && f.zero == Zero::both);
  }
  return x;
}

}  // namespace ulpscope
