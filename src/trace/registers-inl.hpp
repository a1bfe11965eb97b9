// Registers of 64-bit lanes over the arrays of a row.
//
// Included by the kernels of this folder, once for each instruction set.
#if defined(ULPSCOPE_REGISTERS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_REGISTERS_INL
#undef ULPSCOPE_REGISTERS_INL
#else
#define ULPSCOPE_REGISTERS_INL
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Longs = hn::ScalableTag<int64_t>;
using Long = hn::Vec<Longs>;

HWY_INLINE Long number(int64_t x) { return hn::Set(Longs(), x); }

// body(i, load) for the elements i of every register of a row: load(array + i) has zeros behind the
// row's end.
template <class Tag, class Body>
HWY_INLINE void for_registers(Tag tag, size_t size, const Body& body) {
  const size_t lanes = hn::Lanes(tag);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    body(i, [](auto same, const auto* from) HWY_ATTR { return hn::LoadU(same, from); });
  }
  if (i == size) return;
  const size_t rest = size - i;
  body(i, [rest](auto same, const auto* from)
              HWY_ATTR { return hn::MaskedLoad(hn::FirstN(same, rest), same, from); });
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
