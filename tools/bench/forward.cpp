// Speed of a whole causal forward pass of fa2-torch on one thread, in multiply-adds of the visible
// pairs: with nobody listening, and with every rounding logged and judged.
#include "ulpscope/attention/driver.hpp"

#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

void forward(benchmark::State& state, Logging logging) {
  const CausalHead head(state.range(0), state.range(1));
  const Plan plan = head.plan();
  for (auto _ : state) benchmark::DoNotOptimize(run_forward(plan, {.logging = logging}));
  state.counters["MAC/s"] =
      benchmark::Counter(head.multiply_adds(), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(forward, silent, Logging::off)
    ->Args({1024, 64})
    ->Args({1024, 128})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(forward, logged, Logging::on)
    ->Args({1024, 64})
    ->Args({1024, 128})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ulpscope::bench
