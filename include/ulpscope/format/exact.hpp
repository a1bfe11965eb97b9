// An exact value on its way to a format: what every operation computes and round_pack rounds.
//
// value = (-1)^negative x (significand + s) x 2^exponent, where s is 0, or, if `sticky` is set,
// some unknown amount strictly between 0 and 1: what was shifted out below the lowest bit kept.
// The significand need not be normalised, but that of a finite value is never 0: zero is a kind.
//
// The word decides how far "exact" reaches. With 64 bits a product of two 31-bit significands
// is exact, and 24-bit sums keep at least 38 bits below the result before anything becomes
// sticky; with 128 bits the same holds for 63-bit significands, and 64 significant bits take
// 256. `word_for` picks.
//
// A NaN carries the payload of the operand it came from, so that a rounding may hand it on: its
// trailing field in the highest of the low 64 bits of the significand.
//
// Tested by tests/format/exact_test.cpp.
#pragma once

#include "ulpscope/base/uint256.hpp"
#include "ulpscope/format/format.hpp"

#include <type_traits>

namespace ulpscope {

enum class Kind : uint8_t { zero, finite, infinity, nan };

// What happened on the way, one bit each; `|` joins them.
enum class Flag : uint16_t {
  none = 0,
  inexact = 1 << 0,
  underflow = 1 << 1,  // tiny before rounding, and inexact
  overflow = 1 << 2,   // above the largest finite number after rounding with unbounded exponent
  invalid = 1 << 3,
  divide_by_zero = 1 << 4,
  // Significand overflow, its two kinds.
  carry_out = 1 << 5,           // a sum's magnitude reached the binade above its largest term
  round_carry = 1 << 6,         // rounding up turned 1.11...1 into 10.00...0
  tie = 1 << 7,                 // the value lay exactly half way between two neighbours
  away = 1 << 8,                // rounded to the neighbour of larger magnitude
  subnormal = 1 << 9,           // the result is a non-zero subnormal
  residue_saturated = 1 << 10,  // the residue does not fit its 64 bits, or has no value
  residue_truncated = 1 << 11,  // the residue has bits below 2^-32 ulp, cut toward zero
  judged = 1 << 12,             // the error was taken afterwards: not one rounding, so no ties
  underflow_after = 1 << 13,    // still tiny when rounded with unbounded exponent, and inexact
  broken_tie = 1 << 14,         // not half way, but within 2^-4 ulp of it: a small rest decided
};
ULPSCOPE_HD constexpr Flag operator|(Flag a, Flag b) {
  return static_cast<Flag>(
      static_cast<uint16_t>(static_cast<unsigned>(a) | static_cast<unsigned>(b)));
}
ULPSCOPE_HD constexpr Flag operator&(Flag a, Flag b) {
  return static_cast<Flag>(
      static_cast<uint16_t>(static_cast<unsigned>(a) & static_cast<unsigned>(b)));
}
ULPSCOPE_HD constexpr Flag& operator|=(Flag& a, Flag b) { return a = a | b; }
ULPSCOPE_HD constexpr bool has(Flag flags, Flag flag) { return (flags & flag) != Flag::none; }
// `flag` if the condition holds, else none.
ULPSCOPE_HD constexpr Flag flag_if(bool condition, Flag flag) {
  return static_cast<Flag>(static_cast<unsigned>(condition) * static_cast<unsigned>(flag));
}

template <class Word>
struct Exact {
  Word significand = 0;
  int exponent = 0;
  Kind kind = Kind::zero;
  bool negative = false;
  bool sticky = false;
  Flag flags = Flag::none;  // raised by the operation; round_pack adds its own
};

// The NaN of an invalid operation, without a payload.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exact_nan(Flag flags = Flag::none) {
  return {.kind = Kind::nan, .flags = flags};
}
// The NaN that an operation on x and y, one of them NaN, hands on: the first, payload and sign.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> first_nan(const Exact<Word>& x, const Exact<Word>& y) {
  Exact<Word> result = x.kind == Kind::nan ? x : y;
  result.flags = x.flags | y.flags;
  return result;
}
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exact_infinity(bool negative, Flag flags = Flag::none) {
  return {.kind = Kind::infinity, .negative = negative, .flags = flags};
}
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exact_zero(bool negative, Flag flags = Flag::none) {
  return {.kind = Kind::zero, .negative = negative, .flags = flags};
}

// floor(log2 |x|) of a finite x.
template <class Word>
ULPSCOPE_HD constexpr int exponent_of(const Exact<Word>& x) {
  return x.exponent + bit_width(x.significand) - 1;
}

// 28 significand bits leave a 64-bit word 36 below a result's lowest bit: enough for residues
// in 2^-32 ulp. The choice is the format's alone, so the same operation never takes two roads.
inline constexpr int widest_narrow_precision = 28;

// 63 bits leave the same in a 128-bit word once a product of 126 has been taken.
inline constexpr int widest_medium_precision = 63;

namespace detail {
template <int precision>
struct WordFor {
  using type = Uint256;
};
template <int precision>
requires(precision <= widest_narrow_precision) struct WordFor<precision> {
  using type = uint64_t;
};
template <int precision>
requires(precision > widest_narrow_precision &&
         precision <= widest_medium_precision) struct WordFor<precision> {
  using type = uint128;
};
}  // namespace detail

// The word for operations on formats of at most that many significant bits.
template <int precision>
using word_for_precision = typename detail::WordFor<precision>::type;
template <Format F>
using word_for = word_for_precision<precision(F)>;

// The type of a code of F.
template <Format F>
using code_for = std::conditional_t<(width(F) <= 64), uint64_t, uint128>;

namespace detail {
// The value of a code that is_normal.
template <class Word, class Bits>
ULPSCOPE_HD constexpr Exact<Word> decode_normal(const Format& f, Bits code) {
  using Code = code_of_bits<Bits>;
  const auto bits = static_cast<Code>(code);
  const auto trailing = static_cast<uint64_t>(bits & trailing_mask<Code>(f));
  const int field = static_cast<int>((bits & magnitude_mask<Code>(f)) >> f.trailing_bits);
  return {.significand = static_cast<Word>(trailing | (uint64_t{1} << f.trailing_bits)),
          .exponent = field - f.bias - f.trailing_bits,
          .kind = Kind::finite,
          .negative = is_negative(f, bits)};
}
}  // namespace detail

// The value that a code of `f` means. A signalling NaN raises invalid.
template <class Word, class Bits>
ULPSCOPE_HD constexpr Exact<Word> decode(const Format& f, Bits code) {
  using Code = code_of_bits<Bits>;
  const auto bits = static_cast<Code>(code);
  if (is_normal(f, bits)) [[likely]]
    return detail::decode_normal<Word>(f, bits);
  const bool negative = is_negative(f, bits);
  const auto trailing = static_cast<uint64_t>(bits & trailing_mask<Code>(f));
  if (is_nan(f, bits)) {
    const uint64_t payload =
        f.nan == Nan::ieee && trailing != 0 ? trailing << (64 - f.trailing_bits) : 0;
    return {.significand = static_cast<Word>(payload),
            .kind = Kind::nan,
            .negative = negative && f.nan != Nan::minus_zero,
            .flags = flag_if(is_signalling(f, bits), Flag::invalid)};
  }
  if (is_infinity(f, bits)) return exact_infinity<Word>(negative);
  if (trailing == 0 || f.subnormals == Subnormals::absent) {
    return exact_zero<Word>(negative && f.zero == Zero::both);
  }
  return {.significand = static_cast<Word>(trailing),
          .exponent = emin(f) - f.trailing_bits,
          .kind = Kind::finite,
          .negative = negative};
}

}  // namespace ulpscope
