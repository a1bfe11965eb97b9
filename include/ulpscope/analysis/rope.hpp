// Rotary position embedding, rounded as programs do it: what a shift of all positions changes that
// should change nothing.
//
//   angle_i = position base^(-2i/dim),  i < dim/2
//   x'_i = x_i cos - x_{i + dim/2} sin,    x'_{i + dim/2} = x_{i + dim/2} cos + x_i sin
//
// The score of two rotated vectors depends on the distance of their positions only; rounding makes
// it depend on the positions. A recipe is a row of three formats:
//
// | recipe  | cos, sin | products, sum | result |
// | fp32    | fp32     | fp32          | fp32   |
// | cast    | fp32     | fp32          | bf16   |   rotated in fp32, cast once
// | hf-bf16 | bf16     | bf16          | bf16   |   Hugging Face's code on bf16 activations
//
// base^(-2i/dim) is computed as PyTorch code does, 1 / base^(2i/dim) in binary32, and the angle is
// the binary32 product with the position. Powers, sines and cosines are rounded from binary64, so
// that a library's last bit may differ; both shifts of a comparison use the same ones.
//
// Source: Wang et al., arXiv 2411.13476, equations 3 to 5, and the Hugging Face Llama code as that
// paper runs it. Tested by tests/analysis/rope_test.cpp.
#pragma once

#include "ulpscope/format/catalogue.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

struct RopeRecipe {
  std::string_view name;
  Format table;       // of cos and sin
  Format arithmetic;  // of the two products and their sum
  Format result;
};

inline constexpr std::array rope_recipes{
    RopeRecipe{"fp32", fp32, fp32, fp32},
    RopeRecipe{"cast", fp32, fp32, bf16},
    RopeRecipe{"hf-bf16", bf16, bf16, bf16},
};

// An unknown name is an Error of kind usage that lists those known.
const RopeRecipe& rope_recipe_named(std::string_view name);

// Rotates vectors of one even dimension.
class Rope {
 public:
  Rope(const RopeRecipe& recipe, int64_t dim, double base = 10000);

  // x and to hold dim numbers that binary32 holds; position below 2^20.
  void rotate(std::span<const double> x, int64_t position, std::span<double> to) const;

 private:
  const RopeRecipe& recipe_;
  std::vector<double> frequencies_;  // [dim / 2]
};

// How far two shifts of a head's positions pull its scores apart, over the first key: the mean over
// the rows i of A_i(first) - A_i(second), A_i the scaled product of query i with key 0, and the
// mean of its magnitude. Keys after the first do not enter: it alone carries the effect.
struct LogitShift {
  double signed_mean = 0;
  double absolute_mean = 0;
};

// q is (rows, dim), row i at position i + shift; key 0 at the shift. The products are summed in
// binary64: what differs is the rotation's rounding alone.
LogitShift logit_shift(const Rope& rope, std::span<const double> q, std::span<const double> key,
                       int64_t first, int64_t second);

// The same of a head's attention matrices under a causal mask: D, the sum over the keys j of the
// mean over the rows i >= j of P_ij(first) - P_ij(second), and of its magnitude; P the softmax of
// the scores, in binary64. Rows and keys are as many. Cost: rows^2 dim.
struct AttentionShift {
  double signed_sum = 0;
  double absolute_sum = 0;
  double absolute_first_key = 0;  // the part of key 0
};

AttentionShift attention_shift(const Rope& rope, std::span<const double> q,
                               std::span<const double> k, int64_t dim, int64_t first,
                               int64_t second);

}  // namespace ulpscope
