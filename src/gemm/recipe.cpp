#include "ulpscope/gemm/recipe.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <array>
#include <string>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr std::array only_bf16{bf16};
constexpr std::array fp32_and_bf16{fp32, bf16};

constexpr std::array table{
    GemmRecipe{.name = "cublas-bf16",
               .summary = "bf16 product of cuBLAS: one chain over k, D rounded once",
               .source =
                   "recorded on an H200, cuBLAS of CUDA 13.0: 512 x 512 x 64, 512 x 64 x 512, "
                   "256 x 256 x 1024, 130 x 72 x 520 uncut, 64 x 128 x 4096 in three parts",
               .input = bf16,
               .output = bf16,
               .group = 0,
               .scales = TensorScales::none,
               .recorded_outputs = only_bf16,
               .largest_recorded_k = 1024},
    GemmRecipe{.name = "cublas-fp16",
               .summary = "fp16 product of cuBLAS: as cublas-bf16",
               .source = "not recorded: the instruction's fused sum is the same, the kernel may be "
                         "another",
               .input = fp16,
               .output = fp16,
               .group = 0,
               .scales = TensorScales::none,
               .recorded_outputs = {},
               .largest_recorded_k = 0},
    GemmRecipe{.name = "cublaslt-e4m3-fast",
               .summary = "e4m3 product of cuBLASLt, fast accumulation: one chain over k",
               .source = "recorded on an H200, cuBLASLt of CUDA 13.0, k up to 4096, with scales",
               .input = e4m3fn,
               .output = bf16,
               .group = 0,
               .scales = TensorScales::one_product,
               .recorded_outputs = fp32_and_bf16,
               .largest_recorded_k = 4096},
    GemmRecipe{.name = "cublaslt-e4m3",
               .summary = "e4m3 product of cuBLASLt: chains of 128 products, added in binary32",
               .source = "recorded on an H200, cuBLASLt of CUDA 13.0, k up to 4096, with scales",
               .input = e4m3fn,
               .output = bf16,
               .group = 128,
               .scales = TensorScales::one_product,
               .recorded_outputs = fp32_and_bf16,
               .largest_recorded_k = 4096},
};

}  // namespace

std::span<const GemmRecipe> gemm_recipes() { return table; }

const GemmRecipe& gemm_recipe_named(std::string_view name) {
  std::string known;
  for (const auto& recipe : table) {
    if (recipe.name == name) return recipe;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", recipe.name);
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown kernel '{}': expected one of {}", name, known));
}

}  // namespace ulpscope
