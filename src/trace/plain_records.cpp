// The records of plain steps, and their kernels' instruction sets: Highway's foreach_target
// includes this file again for each of them, and the machine that runs decides.
#include "ulpscope/trace/plain_records.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "plain_records.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

#if HWY_TARGET <= HWY_SSE4
#include "plain_records-inl.hpp"
#endif
#include "plain_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4
PlainKernels plain_kernels() { return {products, sums, fused, casts}; }
#else
PlainKernels plain_kernels() { return {}; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"

#include <algorithm>

namespace ulpscope {

namespace detail {
HWY_EXPORT(plain_kernels);
}  // namespace detail

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

namespace {

template <class Kernel, class... Arguments>
bool run(Kernel kernel, RecordRow& records, const Arguments&... arguments) {
  if (kernel == nullptr) {
    std::fill_n(records.marks(), records.size(), RecordRow::open_mark);
    return records.size() == 0;
  }
  const HostFpGuard guard;
  return kernel(arguments..., records);
}

detail::CastPlan cast_plan(const Format& format) {
  constexpr int bias32 = 127;
  const auto largest = decode<uint64_t>(format, largest_finite_bits(format));
  return {.trailing_bits = format.trailing_bits,
          .emin_field = emin(format) + bias32,
          .largest = static_cast<uint32_t>(round_pack(fp32, largest, nearest_even).bits)};
}

}  // namespace

bool record_products(Row32 x, Row32 y, Row32 rounded, RecordRow& records) {
  const auto kernels = HWY_DYNAMIC_DISPATCH(plain_kernels)();
  return run(kernels.products, records, x.data(), y.data(), rounded.data());
}

bool record_sums(Row32 x, Row32 y, Row32 rounded, RecordRow& records) {
  const auto kernels = HWY_DYNAMIC_DISPATCH(plain_kernels)();
  return run(kernels.sums, records, x.data(), y.data(), rounded.data());
}

bool record_fused(Row32 x, Row32 y, Row32 z, Row32 rounded, RecordRow& records) {
  const auto kernels = HWY_DYNAMIC_DISPATCH(plain_kernels)();
  return run(kernels.fused, records, x.data(), y.data(), z.data(), rounded.data());
}

bool record_casts(Row32 x, Row32 rounded, const Format& format, RecordRow& records) {
  const auto kernels = HWY_DYNAMIC_DISPATCH(plain_kernels)();
  return run(kernels.casts, records, cast_plan(format), x.data(), rounded.data());
}

bool has_plain_casts(const Format& format) {
  return is_subset(format, fp32) && format.sign == Sign::present && format.zero != Zero::none &&
         format.subnormals == Subnormals::present;
}

}  // namespace ulpscope
#endif
