// The vector kernels, compiled once for each instruction set: Highway's foreach_target includes
// this file again for each of them, and the machine that runs decides. Kernels know the packing of
// x86 and of NEON; other machines, and those without SSE4, get none and round one by one.
#include "lanes.hpp"

// Sets between those that are kept would cost compile time and gain little; registers whose length
// is known only when running cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "lanes.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
#include "lanes_decode-inl.hpp"
#include "lanes_draw-inl.hpp"
#include "lanes_general-inl.hpp"
#include "lanes_nearest-inl.hpp"
#endif

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
template <class Number>
void round_planned(const Number* x, size_t count, const Plan& plan, CodePointer codes) {
  const auto to = [&](auto* pointer) {
    if (const auto* magic = std::get_if<MagicPlan>(&plan)) {
      round_magic(x, count, *magic, pointer);
    } else if (const auto* directed = std::get_if<DirectedPlan>(&plan)) {
      round_directed(x, count, *directed, pointer);
    } else if constexpr (sizeof(Number) == sizeof(float)) {
      round_aligned(x, count, std::get<AlignedPlan>(plan), pointer);
    }
  };
  std::visit(to, codes);
}

template <class Number>
void round_drawn_planned(const Number* x, size_t count, const DrawnPlan& plan, const Draw& first,
                         CodePointer codes) {
  std::visit([&](auto* pointer) { round_drawn(x, count, plan, first, pointer); }, codes);
}

template <class Number>
LaneKernels<Number> kernels_for() {
  return {round_planned<Number>, round_drawn_planned<Number>, decode<Number>};
}
#else
template <class Number>
LaneKernels<Number> kernels_for() {
  return {};
}
#endif
LaneKernels<float> float_kernels() { return kernels_for<float>(); }
LaneKernels<double> double_kernels() { return kernels_for<double>(); }

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ulpscope::detail {

HWY_EXPORT(float_kernels);
HWY_EXPORT(double_kernels);

template <>
LaneKernels<float> lane_kernels() {
  return HWY_DYNAMIC_DISPATCH(float_kernels)();
}
template <>
LaneKernels<double> lane_kernels() {
  return HWY_DYNAMIC_DISPATCH(double_kernels)();
}

}  // namespace ulpscope::detail
#endif
