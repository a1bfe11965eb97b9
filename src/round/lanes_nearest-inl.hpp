// Rounding to nearest, ties to even: two kernels for two kinds of formats.
//
// magic: lanes_magic-inl.hpp and lanes_magic_bytes-inl.hpp.
//
// aligned. Where the format is the input with fewer trailing bits, adding half an ulp less one, and
// one more if the part that stays is odd, carries as it should, through exponents to infinity.
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_NEAREST_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_NEAREST_INL
#undef ULPSCOPE_LANES_NEAREST_INL
#else
#define ULPSCOPE_LANES_NEAREST_INL
#endif

#include "ulpscope/base/host_fp.hpp"

#include "lanes_common-inl.hpp"
#include "lanes_magic-inl.hpp"
#include "lanes_magic_bytes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

template <class Number, class Code>
void round_magic(const Number* x, size_t count, const MagicPlan& plan, Code* codes) {
  const HostFpGuard guard(SubnormalOperands::may_be_zero);
  if constexpr (sizeof(Code) == 1) {
    if (plan.fits_bytes) return round_magic_bytes(x, count, plan, codes);
  }
  if constexpr (sizeof(Code) == 2) {
    if (plan.width == 16 && plan.signs_zero && plan.last_signed == plan.cap) {
      return for_groups(x, count, codes, MagicHalves<Number>(plan));
    }
  }
  for_groups(x, count, codes,
             FourRegisters<MagicCode<Number>, Store<Code>>{MagicCode<Number>(plan), {}});
}

class AlignedCode {
 public:
  explicit AlignedCode(const AlignedPlan& plan)
      : shift_(word(static_cast<uint32_t>(plan.shift))),
        below_half_(word((uint32_t{1} << (plan.shift - 1)) - 1)),
        nan_(word(plan.nan)) {}

  HWY_INLINE Word operator()(const float* x) const {
    const auto number = hn::LoadU(Singles(), x);
    const Word bits = hn::BitCast(Words(), number);
    const Word odd = hn::And(bits >> shift_, word(1));
    const Word code = (bits + below_half_ + odd) >> shift_;
    return hn::IfThenElse(hn::RebindMask(Words(), hn::IsNaN(number)), nan_, code);
  }

 private:
  Word shift_, below_half_, nan_;
};

// bf16: the code is the upper half of its lane. Half an ulp less one, and one more if the part that
// stays is odd, is 0x8000 less one if that part is even, all but one bit of which are constant.
class AlignedUpperHalf {
 public:
  explicit AlignedUpperHalf(const AlignedPlan& plan) : nan_(word(plan.nan << 16)) {}

  // The code, above bits that mean nothing.
  HWY_INLINE Word operator()(const float* x) const {
    const Word bits = with_one_nan(hn::LoadU(Singles(), x));
    const Word even = hn::AndNot(hn::ShiftRight<16>(bits), word(1));
    return hn::Sub(bits, hn::Or(even, word(0xFFFF'8000)));
  }

 private:
  // Every NaN becomes the code's, which rounding leaves alone.
  HWY_INLINE Word with_one_nan(hn::Vec<Singles> number) const {
#if HWY_TARGET <= HWY_AVX3
    // The table has four bits for each class of numbers, from quiet and signalling NaN up: 0 takes
    // the first operand, 1 the second. That is one instruction where comparing takes two.
    const Word table = word(0x1111'1100);
    const auto nan = hn::BitCast(Singles(), nan_);
    return hn::BitCast(Words(),
                       hn::Vec<Singles>{_mm512_fixupimm_ps(nan.raw, number.raw, table.raw, 0)});
#else
    const auto is_nan = hn::RebindMask(Words(), hn::IsNaN(number));
    return hn::IfThenElse(is_nan, nan_, hn::BitCast(Words(), number));
#endif
  }

  Word nan_;
};

template <class Code>
void round_aligned(const float* x, size_t count, const AlignedPlan& plan, Code* codes) {
  const HostFpGuard guard;  // no subnormal number is read as zero
  if constexpr (sizeof(Code) == 2) {
    if (plan.shift == 16) {
      using Kernel = FourRegisters<AlignedUpperHalf, StoreUpperHalves>;
      return for_groups(x, count, codes, Kernel{AlignedUpperHalf(plan), {}});
    }
  }
  for_groups(x, count, codes, FourRegisters<AlignedCode, Store<Code>>{AlignedCode(plan), {}});
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
