// Exact numbers of the extended line, and the operations on them, in Boost's integers.
//
//   exact_number({e4m3fn, 0x7E}, Flush::none) is 14 x 2^5; sum of two of them 28 x 2^5
//
// A finite magnitude is numerator / denominator x 2^exponent, not reduced, or the square root of
// that. Nothing is ever rounded here. Tested by tests/reference/arithmetic_test.cpp.
#pragma once

#include "ulpscope/reference/arithmetic.hpp"
#include "ulpscope/reference/ladder.hpp"

#include <boost/multiprecision/cpp_int.hpp>

namespace ulpscope {

// Grows without end; 512 bits, more than any 8-bit format asks for, live without an allocation.
using Integer = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<512>,
                                              boost::multiprecision::et_off>;

struct ExactNumber {
  CodeKind kind = CodeKind::number;
  bool negative = false;
  bool cancelled = false;  // zero from terms that are not: rounding down it is -0, otherwise +0
  bool root = false;
  Flag flags = Flag::none;  // invalid, divide_by_zero, carry_out
  Integer numerator = 0;
  Integer denominator = 1;
  int exponent = 0;
  // Of a NaN that an operand brought: its trailing field, and how many bits that has.
  uint64_t payload = 0;
  int payload_bits = 0;
};

inline bool is_zero(const ExactNumber& x) {
  return x.kind == CodeKind::number && x.numerator.is_zero();
}

ExactNumber exact_number(const ReferenceOperand& operand, Flush flush);

ExactNumber exact_result(const ReferenceCase& problem, Flush flush);

}  // namespace ulpscope
