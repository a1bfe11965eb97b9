// Speed of a matrix product in multiply-adds, one thread: its bits alone, and with every element
// judged against the exact product, as ulpscope gemm does.
#include "ulpscope/compare/judged_product.hpp"

#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

constexpr int64_t rows = 64;
constexpr int64_t columns = 512;

template <Format F>
Operand random_matrix(int64_t matrix_rows, int64_t length, uint64_t seed) {
  Operand operand = operand_rows(
      F, random_codes<F>(static_cast<size_t>(matrix_rows * length), seed), matrix_rows, length, 0);
  operand.pack();
  return operand;
}

template <Format F>
GemmPlan plan_of(const char* kernel, int64_t length) {
  return make_gemm_plan(gemm_recipe_named(kernel), chip_named("h200"), length, {});
}

void report(benchmark::State& state, int64_t length) {
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(rows * columns * length),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

template <Format F>
void gemm_bits(benchmark::State& state, const char* kernel) {
  const int64_t length = state.range(0);
  const Operand a = random_matrix<F>(rows, length, 1);
  const Operand b = random_matrix<F>(columns, length, 2);
  const GemmPlan plan = plan_of<F>(kernel, length);
  std::vector<uint32_t> row(static_cast<size_t>(columns));
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      product_row(plan, a, i, b, 0, row);
      benchmark::DoNotOptimize(row);
    }
  }
  report(state, length);
}

template <Format F>
void gemm_judged(benchmark::State& state, const char* kernel) {
  const int64_t length = state.range(0);
  const Operand a = random_matrix<F>(rows, length, 1);
  const Operand b = random_matrix<F>(columns, length, 2);
  const GemmPlan plan = plan_of<F>(kernel, length);
  for (auto _ : state) benchmark::DoNotOptimize(run_products({&plan, 1}, a, b, {}));
  report(state, length);
}

constexpr auto gemm_bits_bf16 = gemm_bits<bf16>;
constexpr auto gemm_bits_e4m3 = gemm_bits<e4m3fn>;
constexpr auto gemm_judged_bf16 = gemm_judged<bf16>;

BENCHMARK_CAPTURE(gemm_bits_bf16, cublas, "cublas-bf16")->Arg(512)->Arg(4096);
BENCHMARK_CAPTURE(gemm_bits_e4m3, cublaslt, "cublaslt-e4m3")->Arg(512);
BENCHMARK_CAPTURE(gemm_judged_bf16, cublas, "cublas-bf16")->Arg(512);

}  // namespace
}  // namespace ulpscope::bench
