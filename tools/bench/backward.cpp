// The backward pass beside the forward pass of the same causal head, one thread: both silent, both
// logged. The ratio of the times is what docs/performance.md gives.
#include "ulpscope/attention/gradients.hpp"

#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

void backward(benchmark::State& state, Logging logging) {
  const CausalHead head(state.range(0), state.range(1));
  const Plan plan = head.plan();
  const BackwardPlan backward_plan = make_backward_plan(plan, head.problem);
  const auto dout = random_codes<bf16>(head.q.size(), 4);
  // An O and LSE of the right size: speed does not depend on their values.
  std::vector<uint32_t> o;
  for (const uint16_t code : head.v) o.push_back(detail::widened(bf16, code));
  const std::vector<uint32_t> lse(static_cast<size_t>(head.problem.rows), 0x40C0'0000);  // 6
  const BackwardInputs inputs{.dout = dout, .o = o, .lse = lse};
  for (auto _ : state) {
    benchmark::DoNotOptimize(run_backward(backward_plan, inputs, {.logging = logging}));
  }
}
BENCHMARK_CAPTURE(backward, silent, Logging::off)
    ->Args({1024, 64})
    ->Args({1024, 128})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(backward, logged, Logging::on)
    ->Args({1024, 64})
    ->Args({1024, 128})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ulpscope::bench
