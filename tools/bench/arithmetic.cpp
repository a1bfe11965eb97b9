// Speed of a single rounding, and of one exponential of the special function unit.
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"
#include "ulpscope/hardware/special_functions.hpp"
#include "ulpscope/round/round_pack.hpp"

#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

// binary32 numbers, some thousand of them, so that no branch is learnt by heart.
std::vector<uint32_t> random_singles() {
  std::mt19937_64 random(4);
  std::vector<uint32_t> numbers(4096);
  for (auto& x : numbers) {
    // Exponents of 2^-8 to 2^7: inside every format's range but for the ends of FP8's.
    x = static_cast<uint32_t>((random() & 0x807F'FFFF) | (119 + random() % 16) << 23);
  }
  return numbers;
}

// From an exact value to a format; how much of it is known when compiling is what differs.
void round_pack_constant_format(benchmark::State& state) {
  const auto numbers = random_singles();
  for (auto _ : state) {
    for (const uint32_t x : numbers) {
      benchmark::DoNotOptimize(round_pack(bf16, decode<uint64_t>(fp32, x), nearest_even));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(numbers.size()));
}
BENCHMARK(round_pack_constant_format);

void round_pack_format(benchmark::State& state, Format format, Rounding rounding) {
  const auto numbers = random_singles();
  benchmark::DoNotOptimize(format);
  benchmark::DoNotOptimize(rounding);
  for (auto _ : state) {
    for (const uint32_t x : numbers) {
      benchmark::DoNotOptimize(round_pack(format, decode<uint64_t>(fp32, x), rounding));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(numbers.size()));
}
BENCHMARK_CAPTURE(round_pack_format, bf16_rne, bf16, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, fp16_rne, fp16, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, tf32_rne, tf32, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, fp32_rne, fp32, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, e4m3fn_rne, e4m3fn, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, e4m3fn_rne_sat, e4m3fn, saturating(nearest_even));
BENCHMARK_CAPTURE(round_pack_format, e5m2_rne, e5m2, nearest_even);
BENCHMARK_CAPTURE(round_pack_format, bf16_rz, bf16, toward_zero);

// Operands of a softmax: -32 to 0.
void exponential(benchmark::State& state, uint32_t (*function)(const MufuTables&, uint32_t)) {
  std::mt19937_64 random(5);
  std::vector<uint32_t> numbers(4096);
  for (auto& x : numbers) {
    x = Soft<fp32>(static_cast<double>(random() >> 11) * -0x1p-48).bits();
  }
  for (auto _ : state) {
    for (const uint32_t x : numbers) benchmark::DoNotOptimize(function(mufu_sm90, x));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(numbers.size()));
}
BENCHMARK_CAPTURE(exponential, mufu_ex2, mufu_ex2);
BENCHMARK_CAPTURE(exponential, ex2_approx, ex2_approx);

}  // namespace
}  // namespace ulpscope::bench
