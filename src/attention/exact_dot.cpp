#include "ulpscope/attention/exact_dot.hpp"

#include "ulpscope/base/wide_sum.hpp"

#include <algorithm>
#include <limits>

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

Exact<uint128> wide_dot(const AlignedRows& a, int64_t i, const AlignedRows& b, int64_t j,
                        int64_t length) {
  const int fraction = a.format().trailing_bits + b.format().trailing_bits;
  WideSum sum;
  for (int64_t k = 0; k < length; ++k) {
    const auto x = detail::factor(a.format(), a.row(i).codes[k]);
    const auto y = detail::factor(b.format(), b.row(j).codes[k]);
    if (x.kind != Kind::finite || y.kind != Kind::finite) continue;
    sum.add(x.significand * y.significand, x.exponent + y.exponent - fraction,
            x.negative != y.negative);
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
      exponents_(static_cast<size_t>(length)),
      rows_(static_cast<size_t>(rows)) {}

void AlignedRows::align(const Operand& operand, int64_t first, int64_t from) {
  format_ = operand.format();
  const auto count = std::min(static_cast<int64_t>(rows_.size()), operand.rows() - first);
  for (int64_t r = 0; r < count; ++r) {
    Row& row = rows_[static_cast<size_t>(r)];
    row = {.bits = 1, .exponent = 0, .special = false, .codes = operand.codes(first + r, from)};
    int64_t* const integers = &integers_[static_cast<size_t>(r * length_)];
    int lowest = std::numeric_limits<int>::max();
    int highest = std::numeric_limits<int>::min();
    for (int64_t k = 0; k < length_; ++k) {
      const auto x = detail::factor(format_, row.codes[k]);
      const bool finite = x.kind == Kind::finite;
      const auto magnitude = finite ? static_cast<int64_t>(x.significand) : 0;
      integers[k] = x.negative ? -magnitude : magnitude;
      exponents_[static_cast<size_t>(k)] = x.exponent;
      row.special = row.special || !(finite || x.kind == Kind::zero);
      if (finite) lowest = std::min(lowest, x.exponent);
      if (finite) highest = std::max(highest, x.exponent);
    }
    if (highest < lowest) continue;  // nothing but zeros
    row.bits = highest - lowest + precision(format_);
    row.exponent = lowest - format_.trailing_bits;
    if (row.bits > widest_row) continue;
    for (int64_t k = 0; k < length_; ++k) {
      if (integers[k] == 0) continue;
      integers[k] *= int64_t{1} << (exponents_[static_cast<size_t>(k)] - lowest);
    }
  }
}

Exact<uint128> exact_dot(const AlignedRows& a, int64_t i, const AlignedRows& b, int64_t j,
                         int64_t length) {
  const auto& row_a = a.row(i);
  const auto& row_b = b.row(j);
  if (row_a.special || row_b.special) return exact_nan<uint128>();
  const bool aligned = row_a.bits <= widest_row && row_b.bits <= widest_row &&
                       row_a.bits + row_b.bits + bit_width(static_cast<uint64_t>(length)) <= 126;
  if (!aligned) return wide_dot(a, i, b, j, length);
  const int64_t* const x = a.integers(i);
  const int64_t* const y = b.integers(j);
  int128 sum = 0;
  for (int64_t k = 0; k < length; ++k) sum += int128{x[k]} * y[k];
  return from_integer(sum, row_a.exponent + row_b.exponent);
}

}  // namespace ulpscope
