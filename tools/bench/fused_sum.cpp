// Speed of the tensor core's sum in multiply-adds: the lanes, with and without watching for
// carries, and the definition over codes that judges them. Chains of 128 products, as in a head of
// 128.
#include "ulpscope/attention/machine.hpp"

#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

constexpr int64_t rows = 64;
constexpr int64_t length = 128;

void report(benchmark::State& state) {
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(rows * rows * length),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

template <Format F>
Operand random_operand(uint64_t seed) {
  return operand_rows(F, random_codes<F>(static_cast<size_t>(rows * length), seed), rows, length,
                      0);
}

// Every row of a with every row of b.
template <Format F, Carries carries>
void fused_lanes_chain(benchmark::State& state) {
  const FusedSum& sum = matrix_unit(chip_named("h200"), F).sum;
  const Operand a = random_operand<F>(1);
  const Operand b = random_operand<F>(2);
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < rows; ++j) {
        benchmark::DoNotOptimize(run_chain<carries>(sum, {a, i, 0}, {b, j, 0}, length, 0));
      }
    }
  }
  report(state);
}
BENCHMARK(fused_lanes_chain<bf16, Carries::ignore>)->Name("fused_lanes/bf16");
BENCHMARK(fused_lanes_chain<fp16, Carries::ignore>)->Name("fused_lanes/fp16");
BENCHMARK(fused_lanes_chain<bf16, Carries::watch>)->Name("fused_lanes/bf16/carries");
BENCHMARK(fused_lanes_chain<fp16, Carries::watch>)->Name("fused_lanes/fp16/carries");

template <Format F>
void fused_chain_on_codes(benchmark::State& state) {
  const FusedSum& sum = matrix_unit(chip_named("h200"), F).sum;
  const Operand a = random_operand<F>(1);
  const Operand b = random_operand<F>(2);
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < rows; ++j) {
        benchmark::DoNotOptimize(
            fused_chain(sum, Factors{F, F}, 0, a.codes(i), b.codes(j), static_cast<int>(length)));
      }
    }
  }
  report(state);
}
BENCHMARK(fused_chain_on_codes<bf16>)->Name("fused_chain_on_codes/bf16");

// The exact dot product that a logged run takes beside each chain.
void exact_dots(benchmark::State& state) {
  const Operand a = random_operand<bf16>(1);
  const Operand b = random_operand<bf16>(2);
  AlignedRows x(rows, length);
  AlignedRows y(rows, length);
  for (auto _ : state) {
    x.align(a, 0, 0);
    y.align(b, 0, 0);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < rows; ++j) {
        benchmark::DoNotOptimize(exact_dot(x, i, y, j, length));
      }
    }
  }
  report(state);
}
BENCHMARK(exact_dots)->Name("exact_dot/bf16");

}  // namespace
}  // namespace ulpscope::bench
