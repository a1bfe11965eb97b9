// From high precision to codes: the nearest-even code of hi + lo, errors in ulps of a code, and
// the correctly rounded attention row (the recipe `exact`).
//
//   round_reference(bf16, 1.00390625, 0.0)     == 0x3F80   (a tie: 1 + 2^-8, to even)
//   round_reference(bf16, 1.00390625, 0x1p-70) == 0x3F81   (a little above it)
//   signed_ulp_error(bf16, 0xC097, -4.703990459442139, 0.0) == -0.4723...
//
// The code is found as in arithmetic.hpp, by bisection over the ladder of the format, here with
// rungs as doubles; hi + lo lies below a double t if hi does, or hi equals t and lo is negative.
// An ulp is the spacing of the format in the binade of the exact value, never below the spacing of
// its subnormals; above the largest finite number the binades go on as if exponents were unbounded.
//
// Limits: every rung and every middle of two must be a double, which holds for formats of up to
// 51 trailing bits within double's exponents; others are an Error of kind usage. hi + lo must be
// finite numbers or a NaN or an infinity in hi alone.
// Tested by tests/reference/correct_rounding_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/reference/exact_attention.hpp"

namespace ulpscope {

// Nearest even, the even code of two; beyond the largest finite number infinity, NaN (`fn`) or that
// number (`finite`). Numbers that the format lacks as the standard policy of arithmetic.hpp has it.
uint64_t round_reference(const Format& format, double hi, double lo);

// (value of the code - (hi + lo)) / ulp. NaN on either side gives NaN, two infinities of one sign
// give zero, an infinity against a number gives that infinity.
double signed_ulp_error(const Format& format, uint64_t bits, double hi, double lo);

struct RowFormats {
  Format o;
  Format lse;
};

// The nearest-even codes of a row and how they were settled; the rest is room to compute in, so
// reuse one object for many rows.
struct CorrectRow {
  std::vector<uint64_t> o;  // [dim_v]
  uint64_t lse = 0;
  // Numbers (of dim_v + 1) that the wide bound left open: the row was then computed exactly.
  int64_t recomputed = 0;
  // Of those, numbers closer to a tie or to zero than the error of the exact row. They are taken
  // to be that tie or zero: such numbers come from symmetric inputs (equal weights, V and -V),
  // and a value within 2^-90 of a tie without being one is not to be expected.
  int64_t assumed_ties = 0;

  WideRow wide;
  WideBound bound;
  ExactRow exact;
};

void correctly_rounded_attention_row(const ReferenceHead& head, int64_t row,
                                     const RowFormats& formats, CorrectRow& out);

}  // namespace ulpscope
