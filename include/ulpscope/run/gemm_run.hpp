// Two matrices in, the product that a kernel stores, its errors and a comparison out.
//
//   run_gemm({.a = "x.npz:a", .b = "x.npz:b", .format = bf16}) -> summary, kind "gemm"
//
// D = A.B^T: A is (M, K), B (N, K). With `chips`, the same product is also computed by the tensor
// cores of other chips; those whose row does not have the format are listed, not refused.
//
// `out` is a folder, left whole or not at all, with
//   outputs.safetensors  d, and d_CHIP for every other chip
//   errors.safetensors   d_ulp: signed errors against the exact product, F32
//   summary.json         every figure;   report.html   the same for eyes
// or, if it ends in .safetensors, a file with the outputs alone.
//
// The bytes depend on the inputs and options alone. Tested by tests/run/gemm_run_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/run/run_tensors.hpp"
#include "ulpscope/tensor/limits.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct GemmOptions {
  std::string a;  // FILE or FILE:TENSOR
  std::string b;
  std::string kernel = "cublas-bf16@h200";
  std::optional<Format> format = {};  // of tensors that are bits only
  std::optional<double> scale_a = {};
  std::optional<double> scale_b = {};
  int64_t split_k = 1;                // parts that k is cut into
  std::optional<Format> output = {};  // of D
  std::vector<std::string> chips;     // names, or "all"
  int threads = 1;
  std::string out;      // empty: nothing is written
  std::string compare;  // FILE or FILE:TENSOR that D is compared with; empty: none
  std::string command;
  const HeldTensors* held = nullptr;  // tensors in memory that a, b and compare may name
  RunTensors* tensors = nullptr;      // filled with d, d_CHIP and d_ulp
  std::function<void(int64_t done, int64_t all)> progress = {};
  const std::atomic<bool>* stop = nullptr;
};

// The summary; nothing if the run was stopped. Its verdict status is "equal" or "different" with
// `compare`, otherwise "biased" or "unbiased".
std::optional<nlohmann::json> run_gemm(const GemmOptions& options);

}  // namespace ulpscope
