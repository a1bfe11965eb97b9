// Four registers of partial sums, fused multiply-adds where the machine has them. Highway's
// foreach_target includes this file again for every instruction set.
#include "float_dots.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "float_dots.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void float_dots(const float* a, int64_t rows, const float* b, int64_t columns, int64_t length,
                float* to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const float* const x = a + i * length;
      const float* const y = b + j * length;
      auto sum0 = hn::Zero(d);
      auto sum1 = sum0;
      auto sum2 = sum0;
      auto sum3 = sum0;
      for (int64_t k = 0; k < length; k += 4 * lanes) {
        const auto add = [&](auto& sum, int64_t at) {
          sum = hn::MulAdd(hn::LoadU(d, x + at), hn::LoadU(d, y + at), sum);
        };
        add(sum0, k);
        add(sum1, k + lanes);
        add(sum2, k + 2 * lanes);
        add(sum3, k + 3 * lanes);
      }
      const auto sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
      to[i * columns + j] = hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }
}

}  // namespace ulpscope::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ulpscope::bench {

HWY_EXPORT(float_dots);

void float_dots(const float* a, int64_t rows, const float* b, int64_t columns, int64_t length,
                float* to) {
  HWY_DYNAMIC_DISPATCH(float_dots)(a, rows, b, columns, length, to);
}

}  // namespace ulpscope::bench
#endif
