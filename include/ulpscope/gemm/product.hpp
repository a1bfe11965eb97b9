// A row of D = A.B^T as a kernel computes it, and the exact values that it should have had.
//
//   const GemmPlan plan = make_gemm_plan(recipe, chip_named("h200"), k, {});
//   product_row(plan, a, i, b, 32, row);                 // columns 32, 33, ...: binary32, scaled
//   const uint64_t d = output_code(plan, row[0]);        // rounded once, to nearest even
//
// The chains are the attention pass's (attention/machine.hpp): fused sums by the chip's row, of
// many columns at once if B is packed. Every addition, product with a scale and cast after them is
// one rounding of binary32 arithmetic, subnormals kept.
//
// Limits: A and B have one format, and D one that binary32 holds.
// Tested by tests/gemm/product_test.cpp.
#pragma once

#include "ulpscope/attention/exact_dot.hpp"
#include "ulpscope/attention/operands.hpp"
#include "ulpscope/gemm/recipe.hpp"
#include "ulpscope/gemm/split.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

inline constexpr uint32_t binary32_one = 0x3F80'0000;

// Binary32 bits of the factors of A and B.
struct GemmScales {
  uint32_t a = binary32_one;
  uint32_t b = binary32_one;

  friend bool operator==(const GemmScales&, const GemmScales&) = default;
};

struct GemmOverrides {
  int64_t parts = 1;  // that k is cut into
  GemmScales scales = {};
  std::optional<Format> output = {};
};

struct GemmPlan {
  const GemmRecipe* recipe;
  const Chip* chip;
  const MatrixUnit* unit;
  std::vector<int64_t> parts;  // lengths
  GemmScales scales;
  Format output;
};

// Errors of kind usage: a chip whose tensor cores do not multiply the recipe's format, scales where
// the kernel takes none, more parts than k has units, an output that binary32 does not hold.
GemmPlan make_gemm_plan(const GemmRecipe& recipe, const Chip& chip, int64_t k,
                        const GemmOverrides& overrides);

// What a result of this plan rests on beyond recordings: sentences, none if it was recorded.
std::vector<std::string> product_notes(const GemmPlan& plan);

// to[j] = the sum over k of a[i][k] b[first + j][k] with its scale, before it is stored.
void product_row(const GemmPlan& plan, const Operand& a, int64_t i, const Operand& b, int64_t first,
                 std::span<uint32_t> to);

// One of them in the format of D.
uint64_t output_code(const GemmPlan& plan, uint32_t value);

// The exact products of the rows of A and B times the scales, sticky 126 bits below the highest
// product; NaN where a row holds an infinity or NaN.
class ExactProducts {
 public:
  ExactProducts(const Operand& a, const Operand& b, const GemmScales& scales);

  Exact<Uint256> at(int64_t i, int64_t j) const;

 private:
  AlignedRows a_;
  AlignedRows b_;
  int64_t length_;
  Exact<Uint256> scale_;
};

}  // namespace ulpscope
