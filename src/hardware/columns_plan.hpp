// What the kernels of fused_columns.cpp and wide_columns.cpp are told about a chip's row, and what
// both ask of a format. Exponents carry binary32's bias.
//
//   Hopper, bf16: grids from 2^-126 on, so M from -101 on: lowest 26, highest 122 + 127
#pragma once

#include "ulpscope/hardware/fused_columns.hpp"

namespace ulpscope::detail {

struct ColumnPlan {
  int terms;
  int fraction_bits;
  // M counts as at least this: the chip's floor, or the first that binary32's grids reach,
  int least_exponent;
  // below which, and above which, a step's M is outside.
  int lowest_exponent;
  int highest_exponent;
  uint32_t result_mask;  // the bits of binary32 that a result keeps
  uint32_t largest_sum;  // binary32 bits of the largest that is surely inside int32
};

// Of wide_columns.cpp.
struct WidePlan {
  int terms;
  int fraction_bits;
  int least_exponent;    // the chip's floor, with positive_bias too
  uint32_t result_mask;  // as above
  double smallest = 0x1p-126;
  double end = 0x1p128;  // results lie below
};

// One block of 32 columns, `length` terms of it.
struct ColumnChain {
  RowTerms row;
  const FusedColumns::Values* values;
  const FusedColumns::Exponents* exponents;
  int64_t length;
};

using ColumnKernel = ColumnMarks (*)(const ColumnPlan&, const ColumnChain&, uint32_t* sums);
struct ColumnKernels {
  ColumnKernel ignoring;
  ColumnKernel watching;
};

// Exponents of the columns carry a bias that makes the sum with a row's exponent positive unless
// one of the factors is zero: binary32's bias and this one.
inline constexpr int bias32 = 127;
inline constexpr int positive_bias = 126;

inline constexpr int64_t longest_step = 32;

inline bool within_binary32(const Format& f) {
  const int emax = static_cast<int>(largest_finite_bits(f) >> f.trailing_bits) - f.bias;
  return emin(f) >= -126 && emax <= 127;
}

}  // namespace ulpscope::detail
