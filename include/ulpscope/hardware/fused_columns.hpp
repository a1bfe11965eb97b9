// The fused multi-term sum for many columns at once: a row times 32 columns side by side, a chain
// in every lane of a vector register.
//
//   FusedColumns k(keys, dim);                     // K by keys, packed once
//   add_products(sum, Carries::ignore, q_row, k, {.block = 0, .count = 2}, dim, sums, marks)
//     -> sums[j] = sums[j] + sum over d of q[d] k[j][d], for 64 keys
//
// A step is that of fused_lanes.hpp, in binary32: the number of a term is a float, so that product,
// scaling and cut are one instruction each for as many columns as a register holds, and so is the
// result: a conversion toward zero. That asks for grids that binary32 reaches. Columns whose
// largest exponent leaves these in some step (for Hopper's bf16 and fp16 below -101 or above 122),
// or whose sum leaves 32 bits, are marked, and are the caller's to do by the lanes; so are rows and
// columns with an infinity or NaN. docs/numerics/fused_sum.md has the argument.
//
// Limits: formats whose exponents binary32 has; steps of an even number of terms (`fits_columns`).
// AVX-512, AVX2, SSE4 or NEON, found when running; other machines have none (`has_fused_columns`).
// Host only. Tested by tests/hardware/fused_columns_test.cpp against fused_chain.
#pragma once

#include "ulpscope/hardware/fused_lanes.hpp"

#include <array>
#include <span>
#include <vector>

namespace ulpscope {

// The factor that a lane stands for, as binary32 bits; `trailing_bits` are its format's.
constexpr uint32_t lane_value(const Lane& x, int trailing_bits) {
  if (x.significand == 0) return 0;
  const bool negative = x.significand < 0;
  const auto magnitude = static_cast<uint32_t>(negative ? -x.significand : x.significand);
  const int top = bit_width(magnitude) - 1;
  const int exponent = x.exponent - trailing_bits + top;
  constexpr int smallest = -126;
  const uint32_t value =
      exponent >= smallest
          ? (static_cast<uint32_t>(exponent - smallest) << 23) + (magnitude << (23 - top))
          : magnitude << (x.exponent - trailing_bits - smallest + 23);
  return negative ? value | uint32_t{1} << 31 : value;
}

// Terms of the row, as the columns take them.
struct RowTerms {
  const float* values;
  const int16_t* exponents;
};

// Columns in blocks of 32, k by k: first the 32 factors of k = 0, then those of k = 1.
class FusedColumns {
 public:
  static constexpr int64_t block_size = 32;

  // Zeros; `length` is rounded up to whole steps of the longest.
  FusedColumns(int64_t columns, int64_t length);

  // A factor by its value, binary32 bits, and the exponent of its lane.
  void set(int64_t column, int64_t k, uint32_t value, int16_t exponent);

  int64_t blocks() const { return blocks_; }

  // One term, and the exponents of two.
  struct alignas(64) Values {
    std::array<float, block_size> of;
  };
  struct alignas(64) Exponents {
    std::array<std::array<int16_t, 2>, block_size> of;
  };
  const Values* values(int64_t block, int64_t k) const {
    return &values_[static_cast<size_t>(block * length_ + k)];
  }
  const Exponents* exponents(int64_t block, int64_t k) const {
    return &exponents_[static_cast<size_t>((block * length_ + k) / 2)];
  }

 private:
  int64_t length_;
  int64_t blocks_;
  std::vector<Values> values_;
  std::vector<Exponents> exponents_;
};

// Blocks [block, block + count), from term `from` on, an even number.
struct ColumnRange {
  int64_t block;
  int64_t count;
  int64_t from = 0;
};

// Of 32 columns, a bit each.
struct ColumnMarks {
  uint32_t outside;  // the sum is not what it should be
  uint32_t carried;  // LaneAccumulator::carry_out, where watched
};

bool has_fused_columns();
bool fits_columns(const FusedSum& row, const Factors& factors);

// Adds the row's products with every column to `sums`, binary32 bits, 32 a block; `length` terms, a
// multiple of the step's. `marks` has one element a block.
void add_products(const FusedSum& row, Carries carries, const RowTerms& a, const FusedColumns& b,
                  const ColumnRange& range, int64_t length, std::span<uint32_t> sums,
                  std::span<ColumnMarks> marks);

}  // namespace ulpscope
