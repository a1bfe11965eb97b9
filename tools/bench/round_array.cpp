// Speed of rounding arrays: 4,096 numbers in the first cache, 10^7 in memory, beside copies of as
// many. docs/performance.md has figures; tools/bench/run takes the best of many short repetitions.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/array.hpp"

#include <cstring>
#include <random>

#include <benchmark/benchmark.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

namespace ulpscope::bench {
namespace {

constexpr size_t in_cache = 4096;
constexpr size_t in_memory = 10'000'000;

// Which instructions; all that the machine has, or fewer.
enum class Set { all, avx2, sse4, none };
int64_t targets_of(Set set) {
  switch (set) {
    case Set::all: return 0;
    case Set::avx2: return HWY_AVX2;
    case Set::sse4: return HWY_SSE4;
    case Set::none: return HWY_SCALAR;
  }
  return 0;
}

struct Case {
  Format format;
  Set set = Set::all;
  double scale = 1;  // of bell-shaped numbers: 1 makes them normal in every format
  size_t count = in_cache;
};

template <class Number>
hwy::AlignedFreeUniquePtr<Number[]> numbers(const Case& c) {
  auto x = hwy::AllocateAligned<Number>(c.count);
  std::mt19937_64 random(4);
  std::normal_distribution<double> bell;
  for (size_t i = 0; i < c.count; ++i) {
    x[i] = i < in_cache ? static_cast<Number>(bell(random) * c.scale) : x[i - in_cache];
  }
  return x;
}

template <class Number, class Output, class Round>
void run(benchmark::State& state, const Case& c, const Round& round) {
  const auto x = numbers<Number>(c);
  const auto output = hwy::AllocateAligned<Output>(c.count);
  std::memset(output.get(), 0,
              c.count * sizeof(Output));  // the first touch of a page costs a fault
  hwy::SetSupportedTargetsForTest(targets_of(c.set));
  for (auto _ : state) {
    round(std::span<const Number>(x.get(), c.count), std::span<Output>(output.get(), c.count));
    benchmark::ClobberMemory();
  }
  hwy::SetSupportedTargetsForTest(0);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(c.count));
}

template <class Number>
void array_copy(benchmark::State& state, size_t count) {
  run<Number, Number>(state, {.format = bf16, .count = count}, [](auto x, auto output) {
    std::memcpy(output.data(), x.data(), x.size_bytes());
  });
}
template <class Number>
void array_codes(benchmark::State& state, Case c, Rounding r) {
  const auto round = [&](auto x, auto codes) { round_array(x, c.format, r, codes); };
  if (width(c.format) <= 8) {
    run<Number, uint8_t>(state, c, round);
  } else {
    run<Number, uint16_t>(state, c, round);
  }
}
template <class Number>
void array_draws(benchmark::State& state, Case c, Stochastic r) {
  const auto round = [&](auto x, auto codes) { round_array(x, c.format, r, {.seed = 1}, codes); };
  if (width(c.format) <= 8) {
    run<Number, uint8_t>(state, c, round);
  } else {
    run<Number, uint16_t>(state, c, round);
  }
}
template <class Number>
void array_values(benchmark::State& state, Case c, Rounding r) {
  run<Number, Number>(state, c, [&](auto x, auto values) { round_values(x, c.format, r, values); });
}

constexpr auto array_copy_float = array_copy<float>;
constexpr auto array_copy_double = array_copy<double>;
constexpr auto array_codes_float = array_codes<float>;
constexpr auto array_codes_double = array_codes<double>;
constexpr auto array_draws_float = array_draws<float>;
constexpr auto array_draws_double = array_draws<double>;
constexpr auto array_values_float = array_values<float>;
constexpr auto array_values_double = array_values<double>;

constexpr Stochastic sr16{Variant::a, 16};
constexpr double e4m3fn_subnormal = 0x1p-8;
constexpr double binary32_subnormal = 0x1p-130;

BENCHMARK_CAPTURE(array_copy_float, cache, in_cache);
BENCHMARK_CAPTURE(array_codes_float, bf16_rne, Case{bf16}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, fp16_rne, Case{fp16}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne, Case{e4m3fn}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e5m2_rne, Case{e5m2}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e2m1fn_rne, Case{e2m1fn}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_sat, Case{e4m3fn}, saturating(nearest_even));
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_subnormal, Case{e4m3fn, {}, e4m3fn_subnormal},
                  nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_tiny, Case{e4m3fn, {}, binary32_subnormal},
                  nearest_even);
BENCHMARK_CAPTURE(array_codes_float, bf16_rne_tiny, Case{bf16, {}, binary32_subnormal},
                  nearest_even);
BENCHMARK_CAPTURE(array_codes_float, bf16_rne_avx2, Case{bf16, Set::avx2}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_avx2, Case{e4m3fn, Set::avx2}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, bf16_rne_sse4, Case{bf16, Set::sse4}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_sse4, Case{e4m3fn, Set::sse4}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_one_by_one, Case{e4m3fn, Set::none}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, bf16_rz, Case{bf16}, toward_zero);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_ru, Case{e4m3fn}, upward);
BENCHMARK_CAPTURE(array_draws_float, bf16_sr16, Case{bf16}, sr16);
BENCHMARK_CAPTURE(array_draws_float, e4m3fn_sr16, Case{e4m3fn}, sr16);
BENCHMARK_CAPTURE(array_values_float, bf16_rne, Case{bf16}, nearest_even);
BENCHMARK_CAPTURE(array_values_float, e4m3fn_rne, Case{e4m3fn}, nearest_even);

BENCHMARK_CAPTURE(array_copy_double, cache, in_cache);
BENCHMARK_CAPTURE(array_codes_double, bf16_rne, Case{bf16}, nearest_even);
BENCHMARK_CAPTURE(array_codes_double, e4m3fn_rne, Case{e4m3fn}, nearest_even);
BENCHMARK_CAPTURE(array_codes_double, e4m3fn_rne_subnormal, Case{e4m3fn, {}, e4m3fn_subnormal},
                  nearest_even);
BENCHMARK_CAPTURE(array_codes_double, bf16_rne_avx2, Case{bf16, Set::avx2}, nearest_even);
BENCHMARK_CAPTURE(array_codes_double, bf16_rz, Case{bf16}, toward_zero);
BENCHMARK_CAPTURE(array_codes_double, bf16_ru, Case{bf16}, upward);
BENCHMARK_CAPTURE(array_draws_double, bf16_sr16, Case{bf16}, sr16);
BENCHMARK_CAPTURE(array_draws_double, e4m3fn_sr16, Case{e4m3fn}, sr16);
BENCHMARK_CAPTURE(array_draws_double, bf16_sr, Case{bf16}, Stochastic{});
BENCHMARK_CAPTURE(array_draws_double, bf16_sr16_subnormal, Case{bf16, {}, binary32_subnormal},
                  sr16);
BENCHMARK_CAPTURE(array_values_double, bf16_rne, Case{bf16}, nearest_even);

BENCHMARK_CAPTURE(array_copy_float, memory, in_memory);
BENCHMARK_CAPTURE(array_codes_float, bf16_rne_memory, Case{bf16, {}, 1, in_memory}, nearest_even);
BENCHMARK_CAPTURE(array_codes_float, e4m3fn_rne_memory, Case{e4m3fn, {}, 1, in_memory},
                  nearest_even);
BENCHMARK_CAPTURE(array_copy_double, memory, in_memory);
BENCHMARK_CAPTURE(array_codes_double, bf16_rne_memory, Case{bf16, {}, 1, in_memory}, nearest_even);
BENCHMARK_CAPTURE(array_values_double, bf16_rne_memory, Case{bf16, {}, 1, in_memory}, nearest_even);
BENCHMARK_CAPTURE(array_draws_double, bf16_sr16_memory, Case{bf16, {}, 1, in_memory}, sr16);

}  // namespace
}  // namespace ulpscope::bench
