// The judge of the core's arithmetic: slow, exact, and obviously right.
//
// An operation is carried out on fractions of arbitrary-precision integers (a square root stays
// the pair "fraction, to be compared by its square"). The result's neighbours are found by
// bisection over the ordered codes of the format, comparing values; no bit of a significand is
// ever looked at. What the core does by shifting and looking at what fell off, this does by
// asking "which is larger?".
//
//   reference_operation(e4m3fn, Operation::add, 0x7E, 0x7E, 0, nearest_even)
//     -> 448 + 448 lies above 448: bits 0x7F (NaN), overflow, inexact
//
// Conventions, the same as the core's and stated here on their own:
//  - Overflow is decided with an unbounded exponent range: the value is rounded to the ladder
//    continued above the largest finite number, and has overflowed if a rung above it is picked.
//    Nearest modes and `away` then give infinity, `fn` formats NaN, `finite` ones the largest
//    finite number; `up` and `down` do so only on their side; toward_zero and to_odd never.
//    `saturate` gives the largest finite number always.
//  - An infinite result that the format or `saturate` cannot deliver counts as overflow, inexact.
//  - NaN results are the canonical quiet NaN with a clear sign. NaN operands raise nothing, but
//    infinity x 0 inside fma is invalid whatever the addend. In a format without NaN an invalid
//    result is the largest finite number.
//  - Underflow: non-zero, below the smallest normal number before rounding, and inexact.
//  - A tie in a format without trailing bits goes to the larger magnitude (IEEE 754-2019, 4.3.1).
//
// Speed on one 2.5 GHz core: 0.5 to 0.7 microseconds an operation on 8-bit formats, 2 on bf16, 4 on
// binary32, 6 to 13 on binary64, whose numbers take up to 2,000 bits.
// Tested by tests/reference/arithmetic_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/rounding.hpp"

#include <optional>

namespace ulpscope {

enum class Operation { add, sub, mul, div, fma, sqrt };

struct ReferenceOperand {
  Format format;
  uint64_t bits;
};

struct ReferenceResult {
  uint64_t bits = 0;
  // Rounded minus exact, signed by value, in units of 2^-32 quantum, cut toward zero. The quantum
  // is the spacing of the format in the binade of the exact value (all subnormals share the
  // spacing of the smallest binade); a result carried up into the next binade keeps that unit.
  // Nothing after an overflow or where the result is not finite.
  std::optional<int64_t> residue = {};
  bool residue_truncated = false;  // the cut took something off
  bool inexact = false;
  bool overflow = false;
  bool underflow = false;
  bool invalid = false;
  bool divide_by_zero = false;
  bool tie = false;   // exactly half way between two rungs
  bool away = false;  // the rung of larger magnitude was taken; not told after an overflow
};

// Operands and result of one format; operands that the operation does not have are ignored.
ReferenceResult reference_operation(const Format& format, Operation operation, uint64_t a,
                                    uint64_t b, uint64_t c, Rounding rounding);

// IEEE 754's formatOf operations: each operand in its own format, one rounding into `to`.
ReferenceResult reference_operation(const Format& to, Operation operation,
                                    const ReferenceOperand& a, const ReferenceOperand& b,
                                    const ReferenceOperand& c, Rounding rounding);

ReferenceResult reference_convert(const Format& from, uint64_t bits, const Format& to,
                                  Rounding rounding);

}  // namespace ulpscope
