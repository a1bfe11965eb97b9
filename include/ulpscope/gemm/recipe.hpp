// A matrix product is a row: how one library's GEMM adds up D = A.B^T.
//
// What differs between kernels is little: which format they multiply, after how many products the
// tensor core's chain is put into a binary32 sum and begun anew, and what they store.
//
//   cublaslt-e4m3: chains of 128 products from +0; T = RN(T + chain); D = RN_out(T)
//
// That group of 128 is what FP8 training code knows as "fast accumulation off": the 14 bits of the
// tensor core's accumulator then lose their lower end 128 products long, not over all of k.
//
// Recorded are the formats, lengths and outputs that a row names; everything else that a row
// computes is a prediction, and the run says so (product_notes). Not known at all: by which rule
// the library cuts k (split.hpp), and whether the binary32 sum of groups rounds to nearest or
// truncates, as the two give the same bits in every recording.
//
// Source: products on an H200 with PyTorch 2.11, cuBLAS and cuBLASLt of CUDA 13.0.
// Tested by tests/gemm/recipe_test.cpp and, against hardware, tests/captured.
#pragma once

#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace ulpscope {

// Factors that the result is multiplied with, one an operand.
enum class TensorScales {
  none,
  one_product,  // RN(T * RN(scale of A * scale of B))
};

struct GemmRecipe {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  Format input;   // of A and B
  Format output;  // of D, unless the caller wants another
  // Products of a chain; their sums are added in binary32. 0: one chain over all of k.
  int64_t group;
  TensorScales scales;
  // What recordings hold: formats of D (none: no recording) and the largest k. They were made on
  // the chip row sm90 and, to that k, without cutting it.
  std::span<const Format> recorded_outputs;
  int64_t largest_recorded_k;
};

std::span<const GemmRecipe> gemm_recipes();

// The recipe of that name; an unknown one is an Error of kind usage that lists them.
const GemmRecipe& gemm_recipe_named(std::string_view name);

}  // namespace ulpscope
