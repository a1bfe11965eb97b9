// The exact values of a row's elements, as vector code holds them: two binary64 numbers each.
//
//   high + low is the value, |low| below one unit in the last place of high
//   high is NaN: not held here, ask the scalar function
//
// What is irrational is cut to 64 bits and half a unit put behind them, which stands for the rest:
// no residue sees so far down (judge_row.hpp).
#pragma once

#include "ulpscope/trace/record_row.hpp"

#include <array>

namespace ulpscope {

// A block of elements; not cleared, and code may write to the end of the arrays.
struct ExactValues {
  alignas(64) std::array<double, RecordRow::room> high;
  alignas(64) std::array<double, RecordRow::room> low;
};

}  // namespace ulpscope
