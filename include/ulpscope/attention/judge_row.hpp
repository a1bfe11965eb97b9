// Results of a row against their exact values: the records of judged(), many at a time.
//
//   judge_row(fp32, results, exact, records);   // records[i] = judged(fp32, results[i], ...)
//
// In binary64, without error: result - high - low is a sum x + y, in units of 2^-32 ulp, of which
// the residue is x cut toward zero, one less where x is whole and y points back. What this does not
// decide is left open, and is the scalar function's: infinities and NaN, exact values that are
// not held, results so far from theirs that the difference takes more than two numbers or 51 bits.
//
// Host only. Tested by tests/attention/judge_row_test.cpp against judged.
#pragma once

#include "ulpscope/attention/exact_row.hpp"
#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

// Registers that hold numbers of `format`; no more of them than a block has room for.
void judge_row(const Format& format, std::span<const uint32_t> results, const ExactValues& exact,
               RecordRow& records);

}  // namespace ulpscope
