// The judge of the core's arithmetic: slow, exact, and obviously right.
//
// An operation is carried out on fractions of arbitrary-precision integers (a square root stays
// the pair "fraction, to be compared by its square"). The number is counted in steps of the format
// with the remainder kept, and how to go on from there is found by comparing values; no bit of a
// significand is ever looked at. What the core does by shifting and looking at what fell off, this
// does by asking "which is larger?".
//
//   reference_operation(e4m3fn, Operation::add, 0x7E, 0x7E, 0, nearest_even)
//     -> 448 + 448 lies above 448: bits 0x7F (NaN), overflow, inexact
//
// Conventions, the same as the core's and stated here on their own. Values:
//  - The neighbours of a number are the rungs of ladder.hpp around it, the lower one of smaller
//    magnitude. Modes and draws choose between them. "Even" and "odd" are said of codes: for
//    significands IEEE 754 means the same, and P3109 says so of formats with only one bit of them.
//    Zero and the smallest normal number, neighbours without subnormals: zero is the even one.
//  - Overflow is decided with an unbounded exponent range: the ladder goes on above the largest
//    finite number, and a number overflows if a rung above that is chosen. By the standard policy
//    nearest modes, `away` and draws then give infinity, `up` and `down` on their side, toward_zero
//    never; to_odd gives the odd code of the largest number and infinity, and the largest number
//    in a format without infinity. The other policies do not ask the mode.
//  - Where there is no infinity NaN stands for it, and without NaN the largest number. An infinity
//    that arrives and is not delivered counts as overflow and inexact; the saturating policies then
//    give the largest number.
//  - Without signs a negative result is refused: invalid, and zero or NaN. Policy `nan` makes it
//    NaN, and so do `standard` and `infinity` in a format without zero; otherwise the lowest code
//    takes its place. What rounds to zero is not negative any more.
//  - Without zero numbers below the smallest one become it in every mode. A zero is invalid, and
//  NaN
//    or, when saturating, the smallest positive number.
//  - An exact zero sum is +0, rounding down -0; zeros of one sign keep it. Where there is only one
//    zero it has no sign.
//  - Flushing inputs reads subnormal operands as zeros of their sign. Flushing outputs makes zero
//  of
//    every number, exact or not, that would be below the smallest normal one also after rounding
//    with unbounded exponents. What is refused for its sign is not flushed.
//  - A NaN is canonical: quiet, with a clear sign; or all ones with a clear sign; or the first NaN
//    among the operands handed on, sign and payload, the payload cut to the leading bits that fit
//    and made quiet. Invalid operations, among them infinity x 0 inside fma whatever the addend is,
//    make a canonical one. fnuz and P3109 have one NaN without sign. A result that should be NaN in
//    a format without is invalid and its largest number (e5m0: infinity).
//
// Flags, beside IEEE 754's divide_by_zero and inexact (which a flush or a refusal raises too):
//  - invalid: also for signalling NaN operands, which only IEEE's kind of NaN has.
//  - underflow: not zero, below the smallest normal number, and inexact or flushed.
//  - underflow_after: the same also after rounding with unbounded exponents by the same mode or
//    draw.
//  - tie, away: the number was half way; the upper rung was taken. broken_tie: not half way, but
//    within 1/16 of a step of it. None is told after an overflow or a flush.
//  - round_carry: the upper rung was taken and is the first of an exponent field, unless the lower
//    one is zero.
//  - carry_out: a sum of two numbers of one sign lies in a binade above both of them.
//
// Speed on one 2.5 GHz core: SPEED.
// Tested by tests/reference/arithmetic_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/rounding.hpp"
#include "ulpscope/round/stochastic.hpp"

#include <array>
#include <optional>
#include <span>

namespace ulpscope {

enum class Operation { add, sub, mul, div, fma, sqrt };

struct ReferenceOperand {
  Format format;
  uint128 bits;
};

// IEEE 754's formatOf operations: each operand in its own format, one rounding into `to`. Operands
// that the operation does not have are ignored.
struct ReferenceCase {
  Format to;
  std::optional<Operation> operation;  // nothing: convert the first operand
  std::array<ReferenceOperand, 3> operands;
};

struct ReferenceResult {
  uint128 bits = 0;
  // Rounded minus exact, signed by value, in units of 2^-32 step, cut toward zero. The step is the
  // one at the exact value, from its lower neighbour to the next rung. Where there is none, after
  // an overflow or a refusal or with more than 63 bits, the end of int64's range on the side of the
  // exact value's sign (NaN, and what is not allowed to be negative or zero, counts as positive;
  // a flushed number has the opposite sign, as its error does): flagged residue_saturated.
  int64_t residue = 0;
  Flag flags = Flag::none;

  friend bool operator==(const ReferenceResult&, const ReferenceResult&) = default;
};

ReferenceResult reference_result(const ReferenceCase& problem, const Rounding& rounding);

// `draw` in 0 .. 2^bits - 1. With part d of a step above the lower rung, N = bits and the draw R
//   a      goes up if d >= 1 - R / 2^N
//   b      if d >= 1 - (R + 1/2) / 2^N
//   c      if d, rounded to the nearest even multiple of 2^-N, is at least 1 - R / 2^N
//   exact  if d > 1 - (R + 1) / 2^64
ReferenceResult reference_result(const ReferenceCase& problem, const Stochastic& rounding,
                                 uint64_t draw);

// One problem in many roundings or for many draws: the exact result is computed once.
void reference_results(const ReferenceCase& problem, std::span<const Rounding> roundings,
                       std::span<ReferenceResult> results);
void reference_results(const ReferenceCase& problem, const Stochastic& rounding,
                       std::span<const uint64_t> draws, std::span<ReferenceResult> results);

// Operands and result of one format.
ReferenceResult reference_operation(const Format& format, Operation operation, uint128 a, uint128 b,
                                    uint128 c, const Rounding& rounding);

ReferenceResult reference_convert(const Format& from, uint128 bits, const Format& to,
                                  const Rounding& rounding);

}  // namespace ulpscope
