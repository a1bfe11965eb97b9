// How many vector instructions a core starts in a nanosecond, for the floors of
// docs/performance.md: chains of multiply-adds that do not wait for each other, on every
// instruction set. Highway's foreach_target includes this file again for every one.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "peak.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <cstdint>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `rounds` times twelve multiply-adds; SSE4 has none and takes two instructions for each.
void multiply_adds(int64_t rounds, float* numbers) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, numbers[0]);
  const auto y = hn::Set(d, numbers[1]);
  auto s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x;
  auto t0 = y, t1 = y, t2 = y, t3 = y, t4 = y, t5 = y;
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, x, y);
    s1 = hn::MulAdd(s1, x, y);
    s2 = hn::MulAdd(s2, x, y);
    s3 = hn::MulAdd(s3, x, y);
    s4 = hn::MulAdd(s4, x, y);
    s5 = hn::MulAdd(s5, x, y);
    t0 = hn::MulAdd(t0, x, y);
    t1 = hn::MulAdd(t1, x, y);
    t2 = hn::MulAdd(t2, x, y);
    t3 = hn::MulAdd(t3, x, y);
    t4 = hn::MulAdd(t4, x, y);
    t5 = hn::MulAdd(t5, x, y);
  }
  const auto s = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const auto t = hn::Add(hn::Add(hn::Add(t0, t1), hn::Add(t2, t3)), hn::Add(t4, t5));
  numbers[2] = hn::GetLane(hn::Add(s, t));
}

}  // namespace ulpscope::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <array>
#include <string>

#include <benchmark/benchmark.h>

namespace ulpscope::bench {

HWY_EXPORT(multiply_adds);

namespace {

void peak(benchmark::State& state, int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  constexpr int64_t rounds = 1000;
  constexpr int64_t together = 12;
  std::array<float, 3> numbers{0.5F, 1.0F, 0};
  for (auto _ : state) {
    HWY_DYNAMIC_DISPATCH(multiply_adds)(rounds, numbers.data());
    benchmark::DoNotOptimize(numbers);
  }
  hwy::SetSupportedTargetsForTest(0);
  const int64_t each = target >= HWY_SSE4 ? 2 : 1;
  state.SetItemsProcessed(state.iterations() * rounds * together * each);
}

const bool registered = [] {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    benchmark::RegisterBenchmark(("peak/" + std::string(hwy::TargetName(target))).c_str(), peak,
                                 target);
  }
  return true;
}();

}  // namespace
}  // namespace ulpscope::bench
#endif
