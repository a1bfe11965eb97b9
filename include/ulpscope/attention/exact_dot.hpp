// The exact value of a dot product: what a chain of fused sums is judged by.
//
// Rows are aligned once a tile: every significand is shifted to the row's smallest exponent, so
// that a dot product is a sum of integer products. Where the exponents of the two rows are spread
// so far that 126 bits do not hold the sum, every product goes into a WideSum instead.
//
//   a = (1, 2^-20), b = (3, 5): aligned a = (2^20, 1) at 2^-20, dot = 3 * 2^20 + 5 at 2^-20
//
// Rows are read from their codes, not from the lanes: lanes hold significands of up to 12 bits,
// and what-ifs such as probabilities kept in binary32 have more.
//
// Runs only when roundings are logged. Tested by tests/attention/exact_dot_test.cpp.
#pragma once

#include "ulpscope/attention/operands.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

// Rows [first, first + rows) of an operand, columns [from, from + length), aligned.
class AlignedRows {
 public:
  AlignedRows() = default;
  AlignedRows(int64_t rows, int64_t length);

  void align(const Operand& operand, int64_t first, int64_t from);

  struct Row {
    int bits;      // that the largest integer needs; over 62 the row could not be aligned
    int exponent;  // of the integers' unit
    bool special;  // holds an infinity or NaN, so that there is no exact value
    const uint32_t* codes;
  };
  const Row& row(int64_t r) const { return rows_[static_cast<size_t>(r)]; }
  const int64_t* integers(int64_t r) const { return &integers_[static_cast<size_t>(r * length_)]; }
  const Format& format() const { return format_; }

 private:
  int64_t length_ = 0;
  Format format_{};
  std::vector<int64_t> integers_;
  std::vector<int> exponents_;  // of one row, while it is aligned
  std::vector<Row> rows_;
};

// sum over k < length of a[i][k] b[j][k], exact but for what lies 126 bits below its highest; NaN
// where a row holds an infinity or NaN.
Exact<uint128> exact_dot(const AlignedRows& a, int64_t i, const AlignedRows& b, int64_t j,
                         int64_t length);

}  // namespace ulpscope
