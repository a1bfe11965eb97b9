// The exact value of a dot product of lanes: what a chain of fused sums is judged by.
//
// Rows are aligned once a tile: every significand is shifted to the row's smallest exponent, so
// that a dot product is a sum of integer products. Where the exponents of the two rows are spread
// so far that 126 bits do not hold the sum, every product goes into a WideSum instead.
//
//   a = (1, 2^-20), b = (3, 5): aligned a = (2^20, 1) at 2^-20, dot = 3 * 2^20 + 5 at 2^-20
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

  int64_t length() const { return length_; }
  const int64_t* integers(int64_t row) const {
    return &integers_[static_cast<size_t>(row * length_)];
  }
  // Bits that the largest integer of the row needs; over 62 the row could not be aligned.
  int bits(int64_t row) const { return bits_[static_cast<size_t>(row)]; }
  int exponent(int64_t row) const { return exponent_[static_cast<size_t>(row)]; }
  LaneRow lanes(int64_t row) const { return lanes_[static_cast<size_t>(row)]; }
  int trailing_bits() const { return trailing_bits_; }

 private:
  int64_t length_ = 0;
  int trailing_bits_ = 0;
  std::vector<int64_t> integers_;
  std::vector<int> bits_;
  std::vector<int> exponent_;
  std::vector<LaneRow> lanes_;
};

// sum over k < length of a[i][k] b[j][k], exact but for what lies 126 bits below its highest.
Exact<uint128> exact_dot(const AlignedRows& a, int64_t i, const AlignedRows& b, int64_t j,
                         int64_t length);

}  // namespace ulpscope
