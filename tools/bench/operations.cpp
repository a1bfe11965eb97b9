// Speed of single operations with residue and flags, computed or looked up. Operands are random,
// some thousand of them, so that no branch is learnt by heart.
#include "ulpscope/arith/pair_table.hpp"
#include "ulpscope/arith/soft.hpp"

#include <random>

#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

constexpr size_t count = 4096;

// Numbers of both signs with exponents from 2^-4 to 2^3: normal in every format of four exponent
// bits, and their products stay inside.
template <Format F>
std::vector<Soft<F>> operands(unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<Soft<F>> numbers(count);
  for (auto& x : numbers) {
    const uint64_t field = static_cast<uint64_t>(F.bias) - 4 + random() % 8;
    const uint64_t sign_and_trailing = random() & (sign_mask(F) | trailing_mask(F));
    x = Soft<F>::from_bits(sign_and_trailing | field << F.trailing_bits);
  }
  return numbers;
}

template <Format F>
auto sum(Soft<F> x, Soft<F> y) {
  return add_to<Soft<F>>(x, y);
}
template <Format F>
auto product(Soft<F> x, Soft<F> y) {
  return multiply_to<Soft<F>>(x, y);
}

// Value, residue and flags of each are added up, which costs next to nothing and uses all of them.
template <Format F, Result<Soft<F>> (*operation)(Soft<F>, Soft<F>)>
void computed(benchmark::State& state) {
  const auto x = operands<F>(1);
  const auto y = operands<F>(2);
  for (auto _ : state) {
    uint64_t used = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto result = operation(x[i], y[i]);
      used += result.value.bits() + static_cast<uint64_t>(result.residue) +
              static_cast<uint64_t>(result.flags);
    }
    benchmark::DoNotOptimize(used);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}
BENCHMARK(computed<e4m3fn, sum<e4m3fn>>)->Name("computed_sum/e4m3fn");
BENCHMARK(computed<bf16, sum<bf16>>)->Name("computed_sum/bf16");
BENCHMARK(computed<fp16, sum<fp16>>)->Name("computed_sum/fp16");
BENCHMARK(computed<fp32, sum<fp32>>)->Name("computed_sum/fp32");
BENCHMARK(computed<e4m3fn, product<e4m3fn>>)->Name("computed_product/e4m3fn");
BENCHMARK(computed<bf16, product<bf16>>)->Name("computed_product/bf16");
BENCHMARK(computed<fp16, product<fp16>>)->Name("computed_product/fp16");
BENCHMARK(computed<fp32, product<fp32>>)->Name("computed_product/fp32");

enum class Lookup { code, code_and_flags };

// Codes of every kind, those of subnormals and NaN among them: a table does not mind.
void looked_up(benchmark::State& state, PairTable (*table_of)(const Format&, Rounding),
               Lookup lookup) {
  const auto table = table_of(e4m3fn, nearest_even);
  std::mt19937_64 random(3);
  std::vector<uint8_t> x(count);
  std::vector<uint8_t> y(count);
  std::vector<uint8_t> codes(count);
  std::vector<Flag> flags(count);
  for (auto& code : x) code = static_cast<uint8_t>(random());
  for (auto& code : y) code = static_cast<uint8_t>(random());
  for (auto _ : state) {
    for (size_t i = 0; i < count; ++i) {
      codes[i] = table.bits(x[i], y[i]);
      if (lookup == Lookup::code_and_flags) flags[i] = table.flags(x[i], y[i]);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}
BENCHMARK_CAPTURE(looked_up, sum, sum_table, Lookup::code);
BENCHMARK_CAPTURE(looked_up, product, product_table, Lookup::code);
BENCHMARK_CAPTURE(looked_up, sum_and_flags, sum_table, Lookup::code_and_flags);
BENCHMARK_CAPTURE(looked_up, product_and_flags, product_table, Lookup::code_and_flags);

}  // namespace
}  // namespace ulpscope::bench
