// A matrix product, computed and judged against the exact product row by row; by several plans at
// once, so that chips stand side by side and the exact product is computed once.
//
//   run_products({{h200_plan, sm80_plan}}, a, b, {.threads = 4}).of_plan[1].errors
//
// All plans have one recipe, k, scales and output format. Pack B (operands.hpp) for speed. Rows are
// dealt out to threads; tallies are integers, so the bytes do not depend on their number.
// Tested by tests/compare/judged_product_test.cpp.
#pragma once

#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/gemm/product.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace ulpscope {

struct ProductOptions {
  int threads = 1;
  // Called after every row with the number done so far; may be empty.
  std::function<void(int64_t done)> progress = {};
  // Checked now and then; once true, the run ends with rows left out. May be null.
  const std::atomic<bool>* stop = nullptr;
};

struct JudgedProduct {
  std::vector<uint32_t> d;   // codes in the plan's output format, (rows of A, rows of B)
  std::vector<float> d_ulp;  // signed errors
  ErrorTally errors;
  uint64_t not_nearest = 0;  // elements other than the exact product, rounded once to nearest even
};

struct JudgedProducts {
  std::vector<JudgedProduct> of_plan;
  bool complete = true;  // false if it was stopped
};

JudgedProducts run_products(std::span<const GemmPlan> plans, const Operand& a, const Operand& b,
                            const ProductOptions& options);

}  // namespace ulpscope
