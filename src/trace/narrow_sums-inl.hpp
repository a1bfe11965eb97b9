// A row of records into narrow sums, in lanes of 64 bits.
//
// A first look at the row tells whether it may be taken, and what is rare enough to be counted by
// itself. A near tie is a residue within 1/16 of one half whichever way it was rounded: the part
// discarded is |residue| or 1 - |residue|, and lies above one half where |residue| lies below it
// and the rounding went away, or neither.
//
// Included by narrow_sums.cpp, once for each instruction set.
#if defined(ULPSCOPE_NARROW_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_NARROW_SUMS_INL
#undef ULPSCOPE_NARROW_SUMS_INL
#else
#define ULPSCOPE_NARROW_SUMS_INL
#endif

#include "ulpscope/trace/narrow_sums.hpp"

#include "registers-inl.hpp"
#include "row_tally.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

using Marks = hn::Rebind<int32_t, Longs>;  // as many as a register has residues
using Words = hn::ScalableTag<uint32_t>;

HWY_INLINE uint64_t count(hn::Mask<Longs> mask) { return hn::CountTrue(Longs(), mask); }
HWY_INLINE Long sign_of(Long x) { return hn::BroadcastSignBit(x); }
HWY_INLINE int64_t total(Long x) { return hn::GetLane(hn::SumOfLanes(Longs(), x)); }

constexpr uint32_t bits_of(Flag flag) { return static_cast<uint32_t>(flag); }

// What all the records have, and what some of them have.
struct Look {
  uint64_t residue_bits;  // of residues, complemented where they are negative
  uint32_t marks;
  uint32_t unmarked;  // of marks that are clear
};

HWY_INLINE Look look_at(const RecordRow& records) {
  const Words words;
  auto marks = hn::Zero(words);
  auto unmarked = hn::Zero(words);
  for_registers(words, records.size(), [&](size_t i, auto load) HWY_ATTR {
    const auto some = load(words, records.marks() + i);
    const size_t rest = records.size() - i;
    marks = hn::Or(marks, some);
    unmarked = hn::Or(unmarked, hn::IfThenElseZero(hn::FirstN(words, rest), hn::Not(some)));
  });
  auto bits = hn::Zero(Longs());
  for_registers(Longs(), records.size(), [&](size_t i, auto load) HWY_ATTR {
    const Long residue = load(Longs(), records.residues() + i);
    bits = hn::Or(bits, hn::Xor(residue, sign_of(residue)));
  });
  alignas(64) int64_t of_lanes[8] = {};
  hn::Store(bits, Longs(), of_lanes);
  uint64_t all_bits = 0;
  for (const int64_t one : of_lanes) all_bits |= static_cast<uint64_t>(one);
  alignas(64) uint32_t words_of_lanes[2][16] = {};
  hn::Store(marks, words, words_of_lanes[0]);
  hn::Store(unmarked, words, words_of_lanes[1]);
  Look look{all_bits, 0, 0};
  for (const uint32_t one : words_of_lanes[0]) look.marks |= one;
  for (const uint32_t one : words_of_lanes[1]) look.unmarked |= one;
  return look;
}

HWY_INLINE uint64_t count_marked(const RecordRow& records, const Look& look, Flag flag) {
  if ((look.marks & bits_of(flag)) == 0) return 0;
  const Words words;
  uint64_t marked = 0;
  for_registers(words, records.size(), [&](size_t i, auto load) HWY_ATTR {
    const auto some = load(words, records.marks() + i);
    marked += hn::CountTrue(words, hn::TestBit(some, hn::Set(words, bits_of(flag))));
  });
  return marked;
}

// The bin of a residue; `wide` if some are of an ulp or more.
template <bool wide>
HWY_INLINE Long bin_of(Long residue, Long sign) {
  constexpr int octaves = ResidueHistogram::octaves;
  constexpr int linear = ResidueHistogram::linear_bins;
  const Long zeros = number(static_cast<int64_t>(NarrowSums::zero_bin));
  Long bin = hn::Add(hn::ShiftRight<28>(residue), number(octaves + linear / 2));
  if constexpr (wide) {
    // A number of binary64 with that integer in its fraction, less the implicit bit of its own: the
    // exponent is the place of the highest bit.
    const hn::Repartition<double, Longs> doubles;
    const Long base = number(int64_t{0x433} << 52);
    const Long magnitude = hn::Xor(residue, sign);
    const auto as_double =
        hn::Sub(hn::BitCast(doubles, hn::Or(magnitude, base)), hn::BitCast(doubles, base));
    const Long octave =
        hn::Sub(hn::ShiftRight<52>(hn::BitCast(Longs(), as_double)), number(1023 + 32));
    const Long outer = hn::IfThenElse(hn::MaskFromVec(sign), hn::Sub(number(octaves - 1), octave),
                                      hn::Add(number(octaves + linear), octave));
    const auto inside = hn::Lt(magnitude, number(residue_one_ulp));
    bin = hn::IfThenElse(inside, bin, outer);
  }
  return hn::IfThenElse(hn::Eq(residue, hn::Zero(Longs())), zeros, bin);
}

// A product of numbers below 2^32.
HWY_INLINE Long product(Long x, Long y) {
  const hn::Repartition<uint32_t, Longs> halves;
  return hn::BitCast(Longs(), hn::MulEven(hn::BitCast(halves, x), hn::BitCast(halves, y)));
}

template <bool wide, bool rounded>
RowTally tally_lanes(const RecordRow& records, const Look& look, const TallyPlaces& to) {
  constexpr int64_t half = residue_one_ulp / 2;
  constexpr int64_t sixteenth = residue_one_ulp / 16;
  const size_t size = records.size();
  const bool any_tie = rounded && (look.marks & bits_of(Flag::tie)) != 0;
  RowTally tally{.taken = true};
  Long sum = hn::Zero(Longs());
  Long sum_away = sum;
  Long high = sum;
  Long mixed = sum;
  Long low = sum;
  Long largest = sum;
  alignas(64) int64_t bins[RecordRow::room];
  // The copy of the bins that a lane counts in.
  constexpr auto last_copy = static_cast<int64_t>(NarrowSums::copies - 1);
  const Long copy = product(hn::And(hn::Iota(Longs(), 0), number(last_copy)),
                            number(static_cast<int64_t>(NarrowSums::stride)));
  for_registers(Longs(), size, [&](size_t i, auto load) HWY_ATTR {
    const Long residue = load(Longs(), records.residues() + i);
    const Long marks = hn::PromoteTo(
        Longs(), load(Marks(), reinterpret_cast<const int32_t*>(records.marks()) + i));
    const Long sign = sign_of(residue);
    const Long negative = sign_of(marks);
    const Long outward = hn::Sub(hn::Xor(residue, negative), negative);
    const Long magnitude = hn::Sub(hn::Xor(residue, sign), sign);
    const auto is_away = hn::Gt(outward, hn::Zero(Longs()));
    const auto is_larger = hn::Gt(residue, hn::Zero(Longs()));
    tally.larger += count(is_larger);
    tally.smaller += count(hn::MaskFromVec(sign));
    tally.away += count(is_away);

    sum = hn::Add(sum, residue);
    sum_away = hn::Add(sum_away, outward);
    hn::StoreU(hn::Add(hn::LoadU(Longs(), to.sums + i), residue), Longs(), to.sums + i);
    hn::StoreU(hn::Add(hn::LoadU(Longs(), to.sums_away + i), outward), Longs(), to.sums_away + i);
    largest = hn::Max(largest, magnitude);
    const Long l = hn::And(magnitude, number((1 << 24) - 1));
    const Long h = hn::ShiftRight<24>(magnitude);
    high = hn::Add(high, product(h, h));
    mixed = hn::Add(mixed, product(h, l));
    low = hn::Add(low, product(l, l));
    hn::Store(hn::Add(bin_of<wide>(residue, sign), copy), Longs(), bins + i);

    if constexpr (rounded) {
      const auto unmarked = [marks](Flag flag) HWY_ATTR {
        return hn::Eq(hn::And(marks, number(bits_of(flag))), hn::Zero(Longs()));
      };
      const auto of_one_rounding = unmarked(Flag::judged);
      const Long from_half = hn::Abs(hn::Sub(magnitude, number(half)));
      auto near = hn::And(of_one_rounding, hn::Lt(from_half, number(sixteenth + 1)));
      if (any_tie) {
        const auto is_zero = hn::Eq(residue, hn::Zero(Longs()));
        const auto no_tie = hn::Or(unmarked(Flag::tie), is_zero);
        const auto tie = hn::AndNot(no_tie, of_one_rounding);
        tally.ties += count(tie);
        tally.ties_away += count(hn::And(tie, is_away));
        near = hn::And(near, no_tie);
      }
      const auto differ = hn::Xor(hn::Lt(magnitude, number(half)), is_away);
      tally.near_ties += count(near);
      tally.near_ties_above += count(hn::AndNot(differ, near));
    }
  });
  uint32_t* const counts = to.bins;
  for (size_t i = 0; i < size; ++i) ++counts[bins[i]];
  tally.sum = total(sum);
  tally.sum_away = total(sum_away);
  tally.high_squares = static_cast<uint64_t>(total(high));
  tally.mixed_products = static_cast<uint64_t>(total(mixed));
  tally.low_squares = static_cast<uint64_t>(total(low));
  tally.largest = static_cast<uint64_t>(hn::GetLane(hn::MaxOfLanes(Longs(), largest)));
  tally.carry_out = count_marked(records, look, Flag::carry_out);
  tally.round_carry = count_marked(records, look, Flag::round_carry);
  tally.subnormal = count_marked(records, look, Flag::subnormal);
  tally.underflow = count_marked(records, look, Flag::underflow);
  tally.overflow = count_marked(records, look, Flag::overflow);
  return tally;
}

RowTally tally_row(const RecordRow& records, const TallyPlaces& to) {
  const Look look = look_at(records);
  const bool taken =
      look.residue_bits < uint64_t{1} << 47 && (look.marks & bits_of(Flag::residue_saturated)) == 0;
  if (!taken) return {};
  const bool wide = look.residue_bits >= static_cast<uint64_t>(residue_one_ulp);
  const bool rounded = (look.unmarked & bits_of(Flag::judged)) != 0;
  if (wide) {
    return rounded ? tally_lanes<true, true>(records, look, to)
                   : tally_lanes<true, false>(records, look, to);
  }
  return rounded ? tally_lanes<false, true>(records, look, to)
                 : tally_lanes<false, false>(records, look, to);
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
