// Rows of binary32 arithmetic, bits in, bits out: the chip's instructions, element by element, by
// the host's own arithmetic.
//
//   multiply_row(x, y, Flush::none, to)      // to[i] = fmul(x[i], y)
//
// Both are IEEE 754 to nearest even, so that the host gives the chip's bits, but for NaN, which is
// 0x7FFFFFFF here too. With Flush::both rows are those of instructions with .ftz: subnormal
// operands and results are zeros of their sign, but for results that round up to the smallest
// normal number at full precision. The host's own state does not matter.
//
// `to` may be an operand's array. Spans of a call have the same length.
// Host only. Tested by tests/hardware/binary32_rows_test.cpp against Soft.
#pragma once

#include "ulpscope/round/rounding.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

using Row32 = std::span<const uint32_t>;

void multiply_row(Row32 x, uint32_t y, Flush flush, std::span<uint32_t> to);
void multiply_rows(Row32 x, Row32 y, Flush flush, std::span<uint32_t> to);
void add_to_row(Row32 x, uint32_t y, Flush flush, std::span<uint32_t> to);
void add_rows(Row32 x, Row32 y, Flush flush, std::span<uint32_t> to);
// x[i] y[i] + z[i] by one rounding; subnormals are kept.
void multiply_add_rows(Row32 x, Row32 y, Row32 z, std::span<uint32_t> to);

// The columns of one lane of a row sum: groups of `width`, a group every `stride` from `start` on;
// of these the columns in [begin, end).
struct ColumnGroups {
  int64_t start;
  int64_t width;
  int64_t stride;
  int64_t begin;
  int64_t end;
};

// start + x[c] + x[c'] + ..., in ascending order, one rounding each; subnormals are kept.
uint32_t sum_columns(uint32_t start, const uint32_t* x, const ColumnGroups& groups);

// The columns [begin, end) of a row, dealt to as many lanes as there are sums: `width` columns
// each, in turn, from column 0 on.
struct LaneColumns {
  int64_t width;
  int64_t begin;
  int64_t end;
};

// Every column added to its lane's sum, in ascending order, one rounding each; before[i] and
// after[i] are the sum that column begin + i met and the one it left. Subnormals are kept.
void sum_lanes(std::span<uint32_t> sums, const uint32_t* x, const LaneColumns& columns,
               uint32_t* before, uint32_t* after);

// fmaximum of `least` and all of x.
uint32_t maximum_of_row(uint32_t least, Row32 x);

}  // namespace ulpscope
