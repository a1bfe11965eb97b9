#include "ulpscope/attention/exact_dot.hpp"

#include "ulpscope/base/wide_sum.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

constexpr int widest_row = 62;

Exact<uint128> from_integer(int128 sum, int exponent) {
  if (sum == 0) return exact_zero<uint128>(false);
  const bool negative = sum < 0;
  return {.significand = static_cast<uint128>(negative ? -sum : sum),
          .exponent = exponent,
          .kind = Kind::finite,
          .negative = negative};
}

Exact<uint128> wide_dot(LaneRow a, LaneRow b, int fraction, int64_t length) {
  WideSum sum;
  for (int64_t k = 0; k < length; ++k) {
    const int product = a.significand[k] * b.significand[k];
    if (product == 0) continue;
    const auto magnitude = static_cast<uint64_t>(product < 0 ? -product : product);
    sum.add(magnitude, a.exponent[k] + b.exponent[k] - fraction, product < 0);
  }
  const auto leading = sum.leading();
  if (leading.magnitude == 0) return exact_zero<uint128>(false);
  return {.significand = leading.magnitude,
          .exponent = leading.exponent,
          .kind = Kind::finite,
          .negative = leading.negative,
          .sticky = leading.sticky};
}

}  // namespace

AlignedRows::AlignedRows(int64_t rows, int64_t length)
    : length_(length),
      integers_(static_cast<size_t>(rows * length)),
      bits_(static_cast<size_t>(rows)),
      exponent_(static_cast<size_t>(rows)),
      lanes_(static_cast<size_t>(rows)) {}

void AlignedRows::align(const Operand& operand, int64_t first, int64_t from) {
  trailing_bits_ = operand.format().trailing_bits;
  const auto rows = std::min(static_cast<int64_t>(bits_.size()), operand.rows() - first);
  for (int64_t r = 0; r < rows; ++r) {
    const LaneRow row = operand.lanes(first + r, from);
    int lowest = -zero_lane_exponent;
    int highest = zero_lane_exponent;
    for (int64_t k = 0; k < length_; ++k) {
      if (row.significand[k] == 0) continue;
      lowest = std::min<int>(lowest, row.exponent[k]);
      highest = std::max<int>(highest, row.exponent[k]);
    }
    const bool empty = highest < lowest;
    const auto at = static_cast<size_t>(r);
    lanes_[at] = row;
    bits_[at] = empty ? 1 : highest - lowest + precision(operand.format());
    exponent_[at] = empty ? 0 : lowest - trailing_bits_;
    if (bits_[at] > widest_row) continue;
    int64_t* const out = &integers_[static_cast<size_t>(r * length_)];
    for (int64_t k = 0; k < length_; ++k) {
      const int shift = row.significand[k] == 0 ? 0 : row.exponent[k] - lowest;
      out[k] = int64_t{row.significand[k]} * (int64_t{1} << shift);
    }
  }
}

Exact<uint128> exact_dot(const AlignedRows& a, int64_t i, const AlignedRows& b, int64_t j,
                         int64_t length) {
  const bool aligned = a.bits(i) <= widest_row && b.bits(j) <= widest_row &&
                       a.bits(i) + b.bits(j) + bit_width(static_cast<uint64_t>(length)) <= 126;
  if (!aligned) {
    return wide_dot(a.lanes(i), b.lanes(j), a.trailing_bits() + b.trailing_bits(), length);
  }
  const int64_t* const x = a.integers(i);
  const int64_t* const y = b.integers(j);
  int128 sum = 0;
  for (int64_t k = 0; k < length; ++k) sum += int128{x[k]} * y[k];
  return from_integer(sum, a.exponent(i) + b.exponent(j));
}

}  // namespace ulpscope
