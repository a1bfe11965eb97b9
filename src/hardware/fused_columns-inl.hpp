// One chain of fused sums in every lane, for 32 columns.
//
// Exponents of two terms share a lane of 32 bits, as halves: so do those of the row, and one
// addition and one maximum serve both. Every step then does
//
//   M      = largest of the halves, C's exponent and the least          (biased)
//   sum    = cut(C 2^(F - M)) + cut(a0 b0 2^(F - M)) + ...              (int32)
//   C      = sum 2^(M - F), converted toward zero
//
// in the host's own binary32 arithmetic, rounding toward zero. Why each of these is exact or
// truncates as the hardware does: docs/numerics/fused_sum.md.
//
// Included by fused_columns.cpp, once for each instruction set.
#if defined(ULPSCOPE_FUSED_COLUMNS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_FUSED_COLUMNS_INL
#undef ULPSCOPE_FUSED_COLUMNS_INL
#else
#define ULPSCOPE_FUSED_COLUMNS_INL
#endif

#include "columns_plan.hpp"
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Singles = hn::ScalableTag<float>;
using Integers = hn::Rebind<int32_t, Singles>;
using Words = hn::Rebind<uint32_t, Singles>;
using Halves = hn::Repartition<int16_t, Singles>;
using UnsignedHalves = hn::Repartition<uint16_t, Singles>;
using Single = hn::Vec<Singles>;
using Integer = hn::Vec<Integers>;
using Word = hn::Vec<Words>;
using Half = hn::Vec<Halves>;

HWY_INLINE Integer integer(int x) { return hn::Set(Integers(), x); }
HWY_INLINE Word bits(Single x) { return hn::BitCast(Words(), x); }
HWY_INLINE Word bits(Integer x) { return hn::BitCast(Words(), x); }
HWY_INLINE Integer as_integer(Word x) { return hn::BitCast(Integers(), x); }
HWY_INLINE Word magnitude_bits(Single x) {
  return hn::And(bits(x), hn::Set(Words(), 0x7FFF'FFFFU));
}
HWY_INLINE Word exponent_bits(Single x) { return hn::And(bits(x), hn::Set(Words(), 0x7F80'0000U)); }
// 2^(biased - 127)
HWY_INLINE Single power_of_two(Integer biased) {
  return hn::BitCast(Singles(), hn::ShiftLeft<23>(biased));
}

// Toward zero. On x86 Highway's ConvertTo spends three more instructions on numbers beyond int32,
// which occur in lanes alone that are marked.
HWY_INLINE Integer cut(Single x) {
#if HWY_TARGET <= HWY_AVX3
  return Integer{_mm512_cvttps_epi32(x.raw)};
#elif HWY_TARGET <= HWY_AVX2
  return Integer{_mm256_cvttps_epi32(x.raw)};
#elif HWY_TARGET <= HWY_SSE4
  return Integer{_mm_cvttps_epi32(x.raw)};
#else
  return hn::ConvertTo(Integers(), x);
#endif
}

// As many columns as a register has lanes of 32 bits, over a whole chain.
template <Carries carries>
class ColumnLanes {
 public:
  HWY_INLINE ColumnLanes(const ColumnPlan& plan, const uint32_t* sums)
      : c_(hn::BitCast(Singles(), hn::LoadU(Words(), sums))) {
    // A subnormal C has the exponent field of zero.
    const Word magnitude = magnitude_bits(c_);
    const auto smallest = hn::Set(Words(), 0x0080'0000U);
    const auto subnormal =
        hn::And(hn::Lt(magnitude, smallest), hn::Ne(magnitude, hn::Zero(Words())));
    lowest_ = hn::IfThenElse(subnormal, hn::Zero(Words()), hn::Set(Words(), ~0U));
    highest_ = integer(plan.least_exponent);
    largest_sum_ = hn::Zero(Words());
    carried_ = hn::Zero(Words());
  }

  HWY_INLINE void start_step() { halves_ = hn::Zero(Halves()); }

  HWY_INLINE void meet_exponents(Half row, Half column) {
    halves_ = hn::Max(halves_, hn::Add(row, column));
  }

  // M and the scale; C cut to the grid.
  HWY_INLINE void choose_grid(const ColumnPlan& plan) {
    // Biased as binary32's, the smallest kept apart from the 0 of all zeros.
    const auto both = hn::BitCast(UnsignedHalves(), halves_);
    const auto biased = hn::Max(hn::SaturatedSub(both, hn::Set(UnsignedHalves(), positive_bias)),
                                hn::Min(both, hn::Set(UnsignedHalves(), 1)));
    const Word pair = hn::BitCast(Words(), biased);
    const Integer products =
        as_integer(hn::Max(hn::ShiftRight<16>(pair), hn::And(pair, hn::Set(Words(), 0xFFFFU))));
    const Integer c = as_integer(hn::ShiftRight<24>(hn::ShiftLeft<1>(bits(c_))));
    const Integer found = hn::Max(products, c);
    lowest_ = hn::Min(lowest_, bits(hn::Sub(found, integer(1))));  // 0 goes to the upper end
    highest_ = hn::Max(highest_, found);
    largest_ = hn::Max(found, integer(plan.least_exponent));
    scale_ = power_of_two(hn::Sub(integer(2 * 127 + plan.fraction_bits), largest_));
    const Single scaled = hn::Mul(c_, scale_);
    sum_ = cut(scaled);
    if constexpr (carries == Carries::watch) longest_ = hn::Abs(scaled);
  }

  HWY_INLINE void add_product(Single row, Single column) {
    const Single scaled = hn::Mul(hn::Mul(row, column), scale_);
    sum_ = hn::Add(sum_, cut(scaled));
    if constexpr (carries == Carries::watch) longest_ = hn::Max(longest_, hn::Abs(scaled));
  }

  HWY_INLINE void end_step(const ColumnPlan& plan) {
    const Single sum = hn::ConvertTo(Singles(), sum_);
    largest_sum_ = hn::Max(largest_sum_, magnitude_bits(sum));
    if constexpr (carries == Carries::watch) {
      const Single longest = hn::ConvertTo(Singles(), cut(longest_));
      const auto longer =
          hn::Gt(as_integer(exponent_bits(sum)), as_integer(exponent_bits(longest)));
      carried_ = hn::Or(carried_, bits(hn::VecFromMask(Integers(), longer)));
    }
    const Single unit = power_of_two(hn::Sub(largest_, integer(plan.fraction_bits)));
    c_ = hn::BitCast(Singles(),
                     hn::And(bits(hn::Mul(sum, unit)), hn::Set(Words(), plan.result_mask)));
  }

  HWY_INLINE void store(uint32_t* sums) const { hn::StoreU(bits(c_), Words(), sums); }

  // A bit a lane.
  HWY_INLINE ColumnMarks marks(const ColumnPlan& plan) const {
    const auto below =
        hn::Lt(lowest_, hn::Set(Words(), static_cast<uint32_t>(plan.lowest_exponent - 1)));
    const auto above = hn::Gt(highest_, integer(plan.highest_exponent));
    const auto overflow =
        hn::Gt(as_integer(largest_sum_), integer(static_cast<int>(plan.largest_sum)));
    const auto outside = hn::Or(hn::RebindMask(Integers(), below), hn::Or(above, overflow));
    return {mask_bits(outside), mask_bits(hn::Ne(as_integer(carried_), hn::Zero(Integers())))};
  }

 private:
  HWY_INLINE static uint32_t mask_bits(hn::Mask<Integers> mask) {
    alignas(8) uint8_t bytes[8] = {};
    hn::StoreMaskBits(Integers(), mask, bytes);
    return static_cast<uint32_t>(bytes[0] | bytes[1] << 8);
  }

  Single c_;
  // Of the chain: the smallest M less one, the largest M, the largest sum.
  Word lowest_;
  Integer highest_;
  Word largest_sum_;
  Word carried_;
  // Of a step.
  Half halves_;
  Integer largest_;  // M
  Single scale_;     // 2^(F - M)
  Integer sum_;
  Single longest_;  // magnitude of a scaled term
};

// Two registers of columns at a time, which is enough for the units to be busy. The terms of a step
// are a constant or, where that is 0, the plan's.
template <Carries carries, int constant_terms>
HWY_INLINE ColumnMarks two_registers(const ColumnPlan& plan, const ColumnChain& chain,
                                     size_t column, uint32_t* sums) {
  const size_t lanes = hn::Lanes(Singles());
  const int terms = constant_terms == 0 ? plan.terms : constant_terms;
  using Lanes = ColumnLanes<carries>;
  Lanes left(plan, sums + column);
  Lanes right(plan, sums + column + lanes);
  const float* row = chain.row.values;
  const int16_t* row_exponents = chain.row.exponents;
  const FusedColumns::Values* values = chain.values;
  const FusedColumns::Exponents* exponents = chain.exponents;
  for (int64_t steps = chain.length / terms; steps > 0; --steps) {
    left.start_step();
    right.start_step();
#pragma GCC unroll 16
    for (int pair = 0; pair < terms / 2; ++pair) {
      uint32_t two = 0;
      __builtin_memcpy(&two, row_exponents + 2 * pair, sizeof two);
      const Half both = hn::BitCast(Halves(), hn::Set(Words(), two));
      const int16_t* const of_columns = exponents[pair].of[column].data();
      left.meet_exponents(both, hn::Load(Halves(), of_columns));
      right.meet_exponents(both, hn::Load(Halves(), of_columns + 2 * lanes));
    }
    left.choose_grid(plan);
    right.choose_grid(plan);
#pragma GCC unroll 16
    for (int k = 0; k < terms; ++k) {
      const Single factor = hn::Set(Singles(), row[k]);
      const float* const of_columns = &values[k].of[column];
      left.add_product(factor, hn::Load(Singles(), of_columns));
      right.add_product(factor, hn::Load(Singles(), of_columns + lanes));
    }
    left.end_step(plan);
    right.end_step(plan);
    row += terms;
    row_exponents += terms;
    values += terms;
    exponents += terms / 2;
  }
  left.store(sums + column);
  right.store(sums + column + lanes);
  const ColumnMarks a = left.marks(plan);
  const ColumnMarks b = right.marks(plan);
  return {a.outside | b.outside << lanes, a.carried | b.carried << lanes};
}

template <Carries carries, int constant_terms>
ColumnMarks one_block(const ColumnPlan& plan, const ColumnChain& chain, uint32_t* sums) {
  ColumnMarks marks{};
  const size_t step = 2 * hn::Lanes(Singles());
  for (size_t column = 0; column < FusedColumns::block_size; column += step) {
    const ColumnMarks some = two_registers<carries, constant_terms>(plan, chain, column, sums);
    marks.outside |= some.outside << column;
    marks.carried |= some.carried << column;
  }
  return marks;
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
