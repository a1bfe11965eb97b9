// The summary of a matrix product: schema "ulpscope.summary/1" with kind "gemm" (docs/cli.md).
//
// The first plan is the kernel on the chip that was asked for; further ones are the same kernel on
// other chips, and stand side by side under `chips`. Nothing in it depends on the clock, the host
// or the thread count. Tested by tests/run/gemm_run_test.cpp.
#pragma once

#include "ulpscope/compare/judged_product.hpp"
#include "ulpscope/run/one_tensor.hpp"

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

struct GemmRecord {
  const std::string& command;
  const OneTensor& a;
  const OneTensor& b;
  std::span<const GemmPlan> plans;
  std::vector<const Chip*> unable;  // their rows do not have the format
  const JudgedProducts& products;
};

// "d" for the first plan, "d_CHIP" for the others: names of tensors and of outputs.
std::string product_name(std::span<const GemmPlan> plans, size_t plan);

nlohmann::json gemm_summary(const GemmRecord& record);

// The same with a verdict of equal or different, D having been compared with a tensor.
void add_comparison(nlohmann::json& summary, nlohmann::json comparison);

}  // namespace ulpscope
