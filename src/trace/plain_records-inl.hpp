// Residue and flags of plain steps, in lanes of 64 bits.
//
// What was lost, d = rounded - exact, is a number of binary64:
//   product  48 bits hold the exact one, and the rounded one differs by half an ulp at most;
//   sum      h + l exactly, by Knuth's six additions; the error of a binary32 sum to nearest is a
//            binary32 number, so that (rounded - h) - l is exact although l may lie far below;
//   fused    h + l is the sum of the third term and the exact product; rounded - h is exact, and of
//            that - l, if a rest is left, d is the nearest number: the rest is only to be known of
//            where it would show, next to an integer v. Such elements are left open;
//   cast     both are binary32 numbers, neighbours but where a directed rounding has brought a tiny
//            number far up: then d is not exact, which taking it off again shows.
//
// Then v = d 2^32 / ulp, below 2^32, and everything else is read off v and the result:
//   residue      v, cut
//   away         d has the sign of the exact value
//   tie          |v| = 2^31
//   broken tie   |v| within 2^28 of that: so is the part discarded, |v| or 2^32 - |v|
//   round carry  away to a power of two; the exact value, and its ulp, are of the binade below
//
// Included by plain_records.cpp, once for each instruction set.
#if defined(ULPSCOPE_PLAIN_RECORDS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_PLAIN_RECORDS_INL
#undef ULPSCOPE_PLAIN_RECORDS_INL
#else
#define ULPSCOPE_PLAIN_RECORDS_INL
#endif

#include "plain_kernels.hpp"
#include "registers-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

using UnsignedLongs = hn::RebindToUnsigned<Longs>;
using Doubles = hn::Repartition<double, Longs>;
using Words = hn::Rebind<uint32_t, Longs>;  // as many as a register has lanes of 64 bits
using Floats = hn::Rebind<float, Longs>;
using Double = hn::Vec<Doubles>;
using Word = hn::Vec<Words>;
using Mask = hn::Mask<Longs>;

HWY_INLINE Long long_if(Mask mask, int64_t x) { return hn::IfThenElseZero(mask, number(x)); }
HWY_INLINE Long flag_if(Mask mask, Flag flag) { return long_if(mask, static_cast<int64_t>(flag)); }
HWY_INLINE Mask mask_of(hn::Mask<Doubles> mask) { return hn::RebindMask(Longs(), mask); }
HWY_INLINE Mask is_zero(Long x) { return hn::Eq(x, hn::Zero(Longs())); }

// A register of binary32 numbers: their values, and the parts of their bits.
struct Operand {
  Double value;
  Long field;
  Long fraction;
  Long sign;  // in the highest bit of binary32's 32

  HWY_INLINE explicit Operand(Word bits) {
    const Long all = hn::BitCast(Longs(), hn::PromoteTo(UnsignedLongs(), bits));
    value = hn::PromoteTo(Doubles(), hn::BitCast(Floats(), bits));
    field = hn::And(hn::ShiftRight<23>(all), number(0xFF));
    fraction = hn::And(all, number(0x7F'FFFF));
    sign = hn::And(all, number(int64_t{1} << 31));
  }
  HWY_INLINE Mask is_normal_from(int lowest_field) const {
    return hn::And(hn::Gt(field, number(lowest_field - 1)), hn::Lt(field, number(0xFF)));
  }
  HWY_INLINE Mask is_zero_or_normal() const {
    return hn::Or(is_normal_from(1), is_zero(hn::Or(field, fraction)));
  }
};

// The numbers of a binary32 format that the lanes need.
struct Grid {
  int trailing_bits;
  int emin_field;
};

struct Lanes {
  Long residue;
  Long marks;
  Long exponent;  // of the exact value, as a field of binary32; not below the format's emin
  Mask made;
};

// `sign` is the exact value's; `tiny` are those below the normal range of the format.
HWY_INLINE Lanes lanes_of(const Grid& grid, const Operand& rounded, Double lost, Long sign,
                          Mask tiny, Mask made) {
  const Doubles doubles;
  const auto inexact = mask_of(hn::Ne(lost, hn::Zero(doubles)));
  const Long lost_sign = hn::ShiftRight<32>(hn::BitCast(Longs(), lost));
  const auto same_sign = is_zero(hn::And(hn::Xor(lost_sign, sign), number(int64_t{1} << 31)));
  const auto away = hn::And(inexact, same_sign);
  const auto carry = hn::AndNot(tiny, hn::And(away, is_zero(rounded.fraction)));
  const Long exponent = hn::Max(hn::Sub(rounded.field, long_if(carry, 1)), number(grid.emin_field));
  // 2^(32 - the ulp's exponent)
  const Long scale_field = hn::Sub(number(1023 + 32 + grid.trailing_bits + 127), exponent);
  const Double v = hn::Mul(lost, hn::BitCast(doubles, hn::ShiftLeft<52>(scale_field)));
  const Double cut = hn::Trunc(v);
  // An integer below 2^51 lies in the fraction of itself and 1.5 x 2^52.
  const Double shifter = hn::Set(doubles, 0x1.8p52);
  const Long residue =
      hn::Sub(hn::BitCast(Longs(), hn::Add(cut, shifter)), hn::BitCast(Longs(), shifter));
  const Double half = hn::Set(doubles, 0x1p31);
  const Double magnitude = hn::Abs(v);
  const auto tie = mask_of(hn::Eq(magnitude, half));
  const auto near = mask_of(hn::Le(hn::Abs(hn::Sub(magnitude, half)), hn::Set(doubles, 0x1p28)));
  Long marks = hn::Or(sign, flag_if(inexact, Flag::inexact));
  marks = hn::Or(marks, flag_if(away, Flag::away));
  marks = hn::Or(marks, flag_if(carry, Flag::round_carry));
  marks = hn::Or(marks, flag_if(tie, Flag::tie));
  marks = hn::Or(marks, flag_if(hn::AndNot(tie, near), Flag::broken_tie));
  marks = hn::Or(marks, flag_if(mask_of(hn::Ne(cut, v)), Flag::residue_truncated));
  return {residue, marks, exponent, made};
}

// lanes(i, load) for every register of the row; whether all records are made.
template <class LanesAt>
HWY_INLINE bool make_records(RecordRow& records, const LanesAt& lanes_at) {
  Long left = hn::Zero(Longs());
  for_registers(Words(), records.size(), [&](size_t i, auto load) HWY_ATTR {
    const Lanes lanes = lanes_at(i, load);
    const Long marks = hn::IfThenElse(lanes.made, lanes.marks, number(RecordRow::open_mark));
    hn::StoreU(lanes.residue, Longs(), records.residues() + i);
    hn::StoreU(hn::TruncateTo(Words(), hn::BitCast(UnsignedLongs(), marks)), Words(),
               records.marks() + i);
    left = hn::Or(left, hn::VecFromMask(Longs(), hn::Not(lanes.made)));
  });
  return hn::AllTrue(Longs(), is_zero(left));
}

constexpr Grid binary32{.trailing_bits = 23, .emin_field = 1};
HWY_INLINE Mask none() { return hn::MaskFromVec(hn::Zero(Longs())); }

bool products(const uint32_t* x, const uint32_t* y, const uint32_t* rounded, RecordRow& records) {
  return make_records(records, [&](size_t i, auto load) HWY_ATTR {
    const Operand a(load(Words(), x + i));
    const Operand b(load(Words(), y + i));
    const Operand result(load(Words(), rounded + i));
    const Double exact = hn::Mul(a.value, b.value);
    const auto zero = mask_of(hn::Eq(exact, hn::Zero(Doubles())));
    // A result of the lowest binade may have been rounded up to it.
    const auto made = hn::And(hn::And(a.is_zero_or_normal(), b.is_zero_or_normal()),
                              hn::Or(zero, result.is_normal_from(2)));
    return lanes_of(binary32, result, hn::Sub(result.value, exact), hn::Xor(a.sign, b.sign), none(),
                    made);
  });
}

// high + low = a + b exactly.
struct ExactSum {
  Double high;
  Double low;

  HWY_INLINE ExactSum(Double a, Double b) : high(hn::Add(a, b)) {
    const Double of_b = hn::Sub(high, a);
    const Double of_a = hn::Sub(high, of_b);
    low = hn::Add(hn::Sub(a, of_a), hn::Sub(b, of_b));
  }
};

bool sums(const uint32_t* x, const uint32_t* y, const uint32_t* rounded, RecordRow& records) {
  return make_records(records, [&](size_t i, auto load) HWY_ATTR {
    const Operand a(load(Words(), x + i));
    const Operand b(load(Words(), y + i));
    const Operand result(load(Words(), rounded + i));
    const ExactSum sum(a.value, b.value);
    const auto zero = mask_of(hn::Eq(sum.high, hn::Zero(Doubles())));
    const auto made = hn::And(hn::And(a.is_zero_or_normal(), b.is_zero_or_normal()),
                              hn::Or(zero, result.is_normal_from(1)));
    Lanes lanes = lanes_of(binary32, result, hn::Sub(hn::Sub(result.value, sum.high), sum.low),
                           result.sign, none(), made);
    const Long highest = hn::Max(hn::Max(a.field, b.field), number(binary32.emin_field));
    const auto carry = hn::And(is_zero(hn::Xor(a.sign, b.sign)), hn::Gt(lanes.exponent, highest));
    lanes.marks = hn::Or(lanes.marks, flag_if(carry, Flag::carry_out));
    return lanes;
  });
}

// The exponent field of binary64.
HWY_INLINE Long wide_field(Double x) {
  return hn::And(hn::ShiftRight<52>(hn::BitCast(Longs(), x)), number(0x7FF));
}

bool fused(const uint32_t* x, const uint32_t* y, const uint32_t* z, const uint32_t* rounded,
           RecordRow& records) {
  return make_records(records, [&](size_t i, auto load) HWY_ATTR {
    const Doubles doubles;
    const Operand a(load(Words(), x + i));
    const Operand b(load(Words(), y + i));
    const Operand c(load(Words(), z + i));
    const Operand result(load(Words(), rounded + i));
    const Double product = hn::Mul(a.value, b.value);
    const ExactSum sum(product, c.value);
    const ExactSum lost(hn::Sub(result.value, sum.high), hn::Neg(sum.low));
    const auto zero = mask_of(hn::Eq(sum.high, hn::Zero(doubles)));
    const auto operands =
        hn::And(hn::And(a.is_zero_or_normal(), b.is_zero_or_normal()), c.is_zero_or_normal());
    const auto whole = mask_of(hn::Eq(lost.low, hn::Zero(doubles)));
    const auto made = hn::And(operands, hn::Or(zero, result.is_normal_from(2)));
    Lanes lanes = lanes_of(binary32, result, lost.high, result.sign, none(), made);
    const auto cut = hn::Ne(
        hn::And(lanes.marks, number(int64_t{static_cast<uint16_t>(Flag::residue_truncated)})),
        hn::Zero(Longs()));
    lanes.made = hn::And(made, hn::Or(whole, cut));
    const Long highest = hn::Max(wide_field(product), wide_field(c.value));
    const auto same_sign = is_zero(hn::Xor(hn::Xor(a.sign, b.sign), c.sign));
    const auto reaches = hn::Gt(hn::Add(lanes.exponent, number(1023 - 127)), highest);
    const auto terms = hn::And(mask_of(hn::Ne(product, hn::Zero(doubles))),
                               mask_of(hn::Ne(c.value, hn::Zero(doubles))));
    lanes.marks =
        hn::Or(lanes.marks, flag_if(hn::And(hn::And(same_sign, terms), reaches), Flag::carry_out));
    return lanes;
  });
}

bool casts(const CastPlan& plan, const uint32_t* x, const uint32_t* rounded, RecordRow& records) {
  const Grid grid{.trailing_bits = plan.trailing_bits, .emin_field = plan.emin_field};
  const auto largest = hn::Set(Doubles(), double{bit_cast<float>(plan.largest)});
  return make_records(records, [&](size_t i, auto load) HWY_ATTR {
    const Operand from(load(Words(), x + i));
    const Operand result(load(Words(), rounded + i));
    const auto below_normal = [&](const Operand& one)
                                  HWY_ATTR { return hn::Lt(one.field, number(plan.emin_field)); };
    const auto tiny = below_normal(from);
    const auto tiny_result = below_normal(result);
    // A tiny value that is rounded to the smallest normal number may stay tiny or not.
    const auto settled = hn::Or(hn::Not(tiny), tiny_result);
    const auto inside = mask_of(hn::Le(hn::Abs(from.value), largest));
    const Double lost = hn::Sub(result.value, from.value);
    const auto exact = mask_of(hn::Eq(hn::Sub(result.value, lost), from.value));
    const auto made = hn::And(hn::And(from.is_zero_or_normal(), result.is_zero_or_normal()),
                              hn::And(hn::And(settled, inside), exact));
    const auto inexact = mask_of(hn::Ne(lost, hn::Zero(Doubles())));
    const auto zero = is_zero(hn::Or(result.field, result.fraction));
    Lanes lanes = lanes_of(grid, result, lost, from.sign, tiny, made);
    lanes.marks = hn::Or(lanes.marks, flag_if(hn::AndNot(zero, tiny_result), Flag::subnormal));
    lanes.marks = hn::Or(lanes.marks,
                         flag_if(hn::And(tiny, inexact), Flag::underflow | Flag::underflow_after));
    return lanes;
  });
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
