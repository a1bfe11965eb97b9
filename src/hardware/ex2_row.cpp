// The instruction sets of the row: Highway's foreach_target includes this file again for each of
// them, and the machine that runs decides.
#include "ulpscope/hardware/ex2_row.hpp"

#include "ulpscope/base/host_fp.hpp"

#include <utility>

// Sets between those that are kept would cost compile time and gain little; registers whose length
// is known only when running cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "ex2_row.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
#include "ex2_row-inl.hpp"
#endif

namespace ulpscope::detail {
using Ex2Row = void (*)(const MufuTables&, const uint32_t* x, size_t count, uint32_t* to);
}

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
Ex2Row ex2_row_for(Flush flush) {
  return flush == Flush::both ? ex2_lanes<Flush::both> : ex2_lanes<Flush::none>;
}
#else
Ex2Row ex2_row_for(Flush) { return nullptr; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ulpscope {

namespace detail {

HWY_EXPORT(ex2_row_for);

namespace {

Ex2Row lanes_for(Flush flush) { return HWY_DYNAMIC_DISPATCH(ex2_row_for)(flush); }

}  // namespace

}  // namespace detail

void ex2_row(const MufuTables& tables, Row32 x, Flush flush, std::span<uint32_t> to) {
  const HostFpGuard guard;
  if (const auto lanes = detail::lanes_for(flush)) {
    return lanes(tables, x.data(), x.size(), to.data());
  }
  for (size_t i = 0; i < x.size(); ++i) {
    to[i] = flush == Flush::both ? mufu_ex2(tables, x[i]) : ex2_approx(tables, x[i]);
  }
}

}  // namespace ulpscope
#endif
