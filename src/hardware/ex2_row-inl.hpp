// MUFU.EX2 in lanes of 32 bits.
//
// The interpolation's sum has 57 fraction bits, of which the result keeps 23:
//
//   sum = c0 2^32 + bias + (c1 x + c2 s) 2^19          s the truncated square of x, 17 bits
//   sum >> 34 = (c0 2^13 + (bias >> 19) + c1 x + c2 s) >> 15
//
// as everything but the bias is a multiple of 2^19. With x = h 2^8 + l the highest terms of that
// are c0 2^5 + c1 h in units of 2^8, and the others are below 2^27 together:
//
//   = (c0 2^5 + c1 h + ((c1 l + c2 s + (bias >> 19)) >> 8)) >> 7
//
// Included by ex2_row.cpp, once for each instruction set.
#if defined(ULPSCOPE_EX2_ROW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_EX2_ROW_INL
#undef ULPSCOPE_EX2_ROW_INL
#else
#define ULPSCOPE_EX2_ROW_INL
#endif

#include "ulpscope/hardware/special_functions.hpp"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<uint32_t>;
using Integers = hn::RebindToSigned<Words>;
using Singles = hn::Rebind<float, Words>;
using Word = hn::Vec<Words>;
using Integer = hn::Vec<Integers>;

HWY_INLINE Word word(uint32_t x) { return hn::Set(Words(), x); }
HWY_INLINE Integer as_integer(Word x) { return hn::BitCast(Integers(), x); }
HWY_INLINE Word as_word(Integer x) { return hn::BitCast(Words(), x); }
HWY_INLINE Word sign_mask_of(Word x) { return as_word(hn::BroadcastSignBit(as_integer(x))); }
template <class Mask>
HWY_INLINE Word choose(Mask mask, Word yes, Word no) {
  return hn::IfThenElse(hn::RebindMask(Words(), mask), yes, no);
}

// truncated_square of mufu.hpp.
HWY_INLINE Word truncated_square_of(Word x) {
  const Word high = hn::ShiftRight<9>(x);
  Word kept = hn::ShiftRight<1>(hn::Mul(high, high));
  // Bit i of the low part, moved to the sign, keeps or clears the high part above its column.
  const auto row = [&](auto left, auto right) {
    const Word bit = sign_mask_of(hn::ShiftLeft<decltype(left)::value>(x));
    kept = hn::Add(kept, hn::And(bit, hn::ShiftRight<decltype(right)::value>(high)));
  };
  const auto rows = [&]<int... i>(std::integer_sequence<int, i...>) {
    (row(std::integral_constant<int, 30 - i>(), std::integral_constant<int, 8 - i>()), ...);
  };
  rows(std::make_integer_sequence<int, 8>());  // i + 1 = 1..8
  return kept;
}

HWY_INLINE Word mufu_ex2_of(const MufuTable<64>& table, Word x) {
  const Word negative = sign_mask_of(x);
  const Word magnitude = hn::And(x, word(~sign_bit32));
  const Integer exponent =
      hn::Sub(as_integer(hn::ShiftRight<23>(magnitude)), hn::Set(Integers(), 127));
  const Word significand = hn::Or(hn::And(magnitude, word(fraction_mask32)), word(1U << 23));
  // |x| in units of 2^-23; a shift beyond what the result needs is of no meaning.
  const auto in_range = [](Integer shift, int end) {
    return as_word(hn::Min(hn::Max(shift, hn::Zero(Integers())), hn::Set(Integers(), end)));
  };
  const Word left = in_range(exponent, 7);
  const Word right = in_range(hn::Neg(exponent), 31);
  const Word fixed = hn::Shr(hn::Shl(significand, left), right);
  // Complemented where x is negative, but for whole numbers, which are negated.
  const Word no_fraction =
      hn::VecFromMask(Words(), hn::Eq(hn::And(fixed, word(fraction_mask32)), hn::Zero(Words())));
  const Word value = hn::Sub(hn::Xor(fixed, negative), hn::And(negative, no_fraction));
  const Integer whole = hn::ShiftRight<23>(as_integer(value));
  const Word fraction = hn::And(value, word(fraction_mask32));

  const Integer row = as_integer(hn::ShiftRight<17>(fraction));
  const Integer at = hn::Add(row, hn::Add(row, row));
  const uint32_t* const rows = &table.row[0].c0;
  const Word c0 = hn::GatherIndex(Words(), rows, at);
  const Word c1 = hn::GatherIndex(Words(), rows + 1, at);
  const Word c2 = hn::GatherIndex(Words(), rows + 2, at);
  const Word rest = hn::And(fraction, word(0x1FFFF));
  const Word low = hn::Add(
      hn::Add(hn::Mul(c1, hn::And(rest, word(0xFF))), hn::Mul(c2, truncated_square_of(rest))),
      word(static_cast<uint32_t>(table.bias >> 19)));
  const Word high = hn::Add(hn::ShiftLeft<5>(c0), hn::Mul(c1, hn::ShiftRight<8>(rest)));
  const Word low_part = as_word(hn::ShiftRight<8>(as_integer(low)));  // the bias may be below 0
  const Word sum = hn::ShiftRight<7>(hn::Add(high, low_part));
  // The sum's highest bit completes the exponent field.
  const Word field = as_word(hn::ShiftLeft<23>(hn::Add(whole, hn::Set(Integers(), 126))));
  Word result = hn::Add(field, sum);

  result = choose(hn::Lt(whole, hn::Set(Integers(), -126)), hn::Zero(Words()), result);
  result = choose(hn::Gt(whole, hn::Set(Integers(), 127)), word(infinity32), result);
  result = choose(hn::Lt(exponent, hn::Set(Integers(), -23)), word(one32), result);
  result = choose(hn::Gt(exponent, hn::Set(Integers(), 7)), hn::AndNot(negative, word(infinity32)),
                  result);
  return choose(hn::Gt(magnitude, word(infinity32)), word(gpu_nan), result);
}

// ex2_approx of special_functions.hpp; the host rounds to nearest even.
HWY_INLINE Word ex2_approx_of(const MufuTable<64>& table, Word x) {
  constexpr uint32_t minus_126 = 0xC2FC'0000;
  // Of the codes above, those up to the negative infinity.
  const auto halved =
      hn::Lt(hn::Sub(x, word(minus_126 + 1)), word((sign_bit32 | infinity32) - minus_126));
  const auto half = hn::Mul(hn::BitCast(Singles(), x), hn::Set(Singles(), 0.5F));
  const Word root = mufu_ex2_of(table, choose(halved, hn::BitCast(Words(), half), x));
  const auto number = hn::BitCast(Singles(), root);
  return choose(halved, hn::BitCast(Words(), hn::Mul(number, number)), root);
}

template <Flush flush>
void ex2_lanes(const MufuTables& tables, const uint32_t* x, size_t count, uint32_t* to) {
  const auto of = [&](Word some) {
    return flush == Flush::both ? mufu_ex2_of(tables.ex2, some) : ex2_approx_of(tables.ex2, some);
  };
  const size_t lanes = hn::Lanes(Words());
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(of(hn::LoadU(Words(), x + i)), Words(), to + i);
  }
  if (i == count) return;
  alignas(64) uint32_t last[16] = {};
  for (size_t j = i; j < count; ++j) last[j - i] = x[j];
  hn::Store(of(hn::Load(Words(), last)), Words(), last);
  for (size_t j = i; j < count; ++j) to[j] = last[j - i];
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
