// One chain of fused sums in every lane of 64 bits, and the kernel's instruction sets: Highway's
// foreach_target includes this file again for each of them, and the machine that runs decides.
//
// Every step does, in binary64,
//
//   M      = largest of the exponents' sums, C's exponent and the floor     (biased)
//   sum    = cut(C 2^(F - M)) + cut(a0 b0 2^(F - M)) + ...
//   C      = sum 2^(M - F), converted toward zero
//
// Nothing but the cuts and the conversion loses a bit: a product has 48, a sum of 33 terms below
// 2^(F + 2) has F + 8, and no exponent comes near the ends of binary64.
#include "ulpscope/hardware/wide_columns.hpp"

#include "columns_plan.hpp"

// Sets between those that are kept would cost compile time and gain little; registers whose length
// is known only when running cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "wide_columns.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Longs = hn::Rebind<int64_t, Doubles>;
// Half as long as a register: a lane for each of the doubles.
using Singles = hn::Rebind<float, Doubles>;
using Integers = hn::Rebind<int32_t, Doubles>;
using Words = hn::Rebind<uint32_t, Doubles>;
using Halves = hn::Repartition<int16_t, Singles>;
using Double = hn::Vec<Doubles>;
using Single = hn::Vec<Singles>;
using Integer = hn::Vec<Integers>;
using Half = hn::Vec<Halves>;

HWY_INLINE Integer integer(int x) { return hn::Set(Integers(), x); }
// 2^n
HWY_INLINE Double power_of_two(Integer n) {
  return hn::BitCast(Doubles(),
                     hn::ShiftLeft<52>(hn::PromoteTo(Longs(), hn::Add(n, integer(1023)))));
}

// As many columns as a register has lanes of 64 bits, over a whole chain.
class WideLanes {
 public:
  HWY_INLINE WideLanes(const WidePlan& plan, const uint32_t* sums)
      : c_(hn::BitCast(Singles(), hn::LoadU(Words(), sums))), outside_(hn::Zero(Doubles())) {
    mark(plan, hn::PromoteTo(Doubles(), c_));
  }

  HWY_INLINE void start_step() { halves_ = hn::Zero(Halves()); }

  HWY_INLINE void meet_exponents(Half row, const int16_t* columns) {
    halves_ = hn::Max(halves_, hn::Add(row, hn::Load(Halves(), columns)));
  }

  // M and the scale; C cut to the grid.
  HWY_INLINE void choose_grid(const WidePlan& plan) {
    const Integer pair = hn::BitCast(Integers(), halves_);
    const Integer products = hn::Max(hn::ShiftRight<16>(pair), hn::And(pair, integer(0xFFFF)));
    const Integer field = hn::And(hn::ShiftRight<23>(hn::BitCast(Integers(), c_)), integer(0xFF));
    const Integer of_c = hn::Add(field, integer(positive_bias));
    const Integer c = hn::IfThenZeroElse(hn::Eq(field, integer(0)), of_c);
    const Integer biased = hn::Max(hn::Max(products, c), integer(plan.least_exponent));
    unit_ = hn::Sub(biased, integer(bias32 + positive_bias + plan.fraction_bits));
    scale_ = power_of_two(hn::Neg(unit_));
    sum_ = hn::Trunc(hn::Mul(hn::PromoteTo(Doubles(), c_), scale_));
  }

  HWY_INLINE void add_product(Double row, const float* columns) {
    const Double product = hn::Mul(row, hn::PromoteTo(Doubles(), hn::Load(Singles(), columns)));
    sum_ = hn::Add(sum_, hn::Trunc(hn::Mul(product, scale_)));
  }

  HWY_INLINE void end_step(const WidePlan& plan) {
    const Double sum = hn::Mul(sum_, power_of_two(unit_));
    mark(plan, sum);
    const Single c = hn::DemoteTo(
        Singles(), hn::IfThenElseZero(hn::Ne(sum, hn::Zero(Doubles())), sum));  // no -0
    c_ = hn::BitCast(Singles(),
                     hn::And(hn::BitCast(Words(), c), hn::Set(Words(), plan.result_mask)));
  }

  HWY_INLINE void store(uint32_t* sums) const {
    hn::StoreU(hn::BitCast(Words(), c_), Words(), sums);
  }

  // A bit a lane.
  HWY_INLINE uint32_t outside() const {
    alignas(8) uint8_t bytes[8] = {};
    hn::StoreMaskBits(Doubles(), hn::Ne(outside_, hn::Zero(Doubles())), bytes);
    return bytes[0];
  }

 private:
  // What is neither zero nor a normal number of binary32.
  HWY_INLINE void mark(const WidePlan& plan, Double x) {
    const Double magnitude = hn::Abs(x);
    const auto number = hn::And(hn::Ge(magnitude, hn::Set(Doubles(), plan.smallest)),
                                hn::Lt(magnitude, hn::Set(Doubles(), plan.end)));
    const auto inside = hn::Or(number, hn::Eq(x, hn::Zero(Doubles())));
    outside_ = hn::IfThenElse(inside, outside_, hn::Set(Doubles(), 1.0));
  }

  Single c_;
  Double outside_;  // of the chain: 0 or 1
  // Of a step.
  Half halves_;
  Integer unit_;  // M - F
  Double scale_;  // 2^(F - M)
  Double sum_;
};

// Four registers of columns at a time, which keeps the units busy.
HWY_INLINE uint32_t four_registers(const WidePlan& plan, const ColumnChain& chain, size_t column,
                                   uint32_t* sums) {
  const size_t lanes = hn::Lanes(Doubles());
  WideLanes a(plan, sums + column);
  WideLanes b(plan, sums + column + lanes);
  WideLanes c(plan, sums + column + 2 * lanes);
  WideLanes d(plan, sums + column + 3 * lanes);
  const auto each = [&](const auto& body) {
    body(a, size_t{0});
    body(b, lanes);
    body(c, 2 * lanes);
    body(d, 3 * lanes);
  };
  for (int64_t first = 0; first < chain.length; first += plan.terms) {
    each([](WideLanes& some, size_t) { some.start_step(); });
    for (int64_t k = first; k < first + plan.terms; k += 2) {
      uint32_t two = 0;
      __builtin_memcpy(&two, chain.row.exponents + k, sizeof two);
      const Half both = hn::BitCast(Halves(), hn::Set(Words(), two));
      const auto& of_columns = chain.exponents[k / 2].of;
      each([&](WideLanes& some, size_t at) {
        some.meet_exponents(both, of_columns[column + at].data());
      });
    }
    each([&](WideLanes& some, size_t) { some.choose_grid(plan); });
    for (int64_t k = first; k < first + plan.terms; ++k) {
      const Double factor = hn::Set(Doubles(), static_cast<double>(chain.row.values[k]));
      const float* const of_columns = &chain.values[k].of[column];
      each([&](WideLanes& some, size_t at) { some.add_product(factor, of_columns + at); });
    }
    each([&](WideLanes& some, size_t) { some.end_step(plan); });
  }
  uint32_t outside = 0;
  each([&](const WideLanes& some, size_t at) {
    some.store(sums + column + at);
    outside |= some.outside() << at;
  });
  return outside;
}

ColumnMarks add_wide_block(const WidePlan& plan, const ColumnChain& chain, uint32_t* sums) {
  ColumnMarks marks{};
  const size_t step = 4 * hn::Lanes(Doubles());
  for (size_t column = 0; column < FusedColumns::block_size; column += step) {
    marks.outside |= four_registers(plan, chain, column, sums) << column;
  }
  return marks;
}
#else
ColumnMarks add_wide_block(const WidePlan&, const ColumnChain&, uint32_t*) { return {~0U, 0}; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "ulpscope/format/format.hpp"

#include "toward_zero.hpp"

namespace ulpscope {

namespace detail {

HWY_EXPORT(add_wide_block);

}  // namespace detail

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

bool fits_wide_columns(const FusedSum& row, const Factors& factors) {
  constexpr int most_fraction_bits = 40;  // with 8 more a sum has fewer than 53
  return precision(factors.a) <= 24 && precision(factors.b) <= 24 && row.terms % 2 == 0 &&
         row.terms <= detail::longest_step && row.fraction_bits <= most_fraction_bits &&
         row.result_fraction_bits <= 23 && detail::within_binary32(factors.a) &&
         detail::within_binary32(factors.b);
}

void add_wide_products(const FusedSum& row, const RowTerms& a, const FusedColumns& b,
                       const ColumnRange& range, int64_t length, std::span<uint32_t> sums,
                       std::span<ColumnMarks> marks) {
  const detail::WidePlan plan{
      .terms = row.terms,
      .fraction_bits = row.fraction_bits,
      .least_exponent = row.floor_exponent + detail::bias32 + detail::positive_bias,
      .result_mask = ~uint32_t{0} << (23 - row.result_fraction_bits)};
  const detail::TowardZero guard;
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t block = range.block + i;
    marks[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(add_wide_block)(
        plan, {a, b.values(block, range.from), b.exponents(block, range.from), length},
        &sums[static_cast<size_t>(i * FusedColumns::block_size)]);
  }
}

}  // namespace ulpscope
#endif
