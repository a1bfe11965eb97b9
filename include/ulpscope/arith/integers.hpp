// Numbers to integers and back: conversions for integers of 1 to 64 bits, and the rounding of a
// number to an integral value of its own format.
//
//   to_integer<int32_t>(Soft<bf16>(-2.5), Mode::nearest_even) -> -2, residue +0.5, inexact | tie
//   to_integer<uint8_t>(Soft<bf16>(300), Mode::toward_zero)   -> 255, invalid
//   round_to_integral(Soft<bf16>(-0.25), Mode::nearest_even)  -> -0
//
// Integers are a format too: one whose numbers all have a lowest bit worth 1, and whose codes are
// the integers themselves. So round_pack rounds here as well, and the residue is in 2^-32 of 1.
//
// An integer out of range, an infinity and a NaN are invalid and nothing else (IEEE 754-2019, 5.8);
// OutOfRange says what is returned, Inexact whether a lost fraction raises its flag (conversions
// exist in both kinds; `tie` and `away` are told in any case). Negative values that round to 0 are
// in range for unsigned integers.
//
// An integral value may not be in its format: 7.5 rounds to 8, which e2m3fn lacks, and 0.5 to 0,
// which e8m0fnu lacks. round_pack decides by the policy (7.5 and NaN in these cases), with overflow
// or invalid. Any other integral value is in the format: rounding makes a significand no longer.
//
// Tested by tests/arith/integers_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

struct IntegerType {
  int width;  // 1..64
  Sign sign;
};

// What an invalid conversion returns, as three instruction sets have it.
enum class OutOfRange : uint8_t {
  saturate,           // the nearest integer; NaN the largest (RISC-V's fcvt)
  saturate_nan_zero,  // the nearest integer; NaN zero (Arm's fcvtzs and its kin)
  indefinite,  // always one code: 100...0 signed, 111...1 unsigned (x86's cvtss2si, AVX-512's
               // vcvtss2usi)
};

enum class Inexact : uint8_t { raised, silent };

struct ToInteger {
  OutOfRange out_of_range = OutOfRange::saturate;
  Inexact inexact = Inexact::raised;
};

// An integer of at most 64 bits, two's complement, clear above its width.
struct RoundedInteger {
  uint64_t bits;
  int64_t residue;  // rounded minus exact, in 2^-32
  Flag flags;
};

namespace detail {

// The integers from -(2^64 - 1) to 2^64 - 1: 63 trailing bits whose lowest is 2^0, in one binade
// above the subnormals. A magnitude's code is the magnitude.
ULPSCOPE_HD constexpr Format integers() {
  return {.exponent_bits = 1,
          .trailing_bits = 63,
          .bias = -62,
          .infinity = Infinity::absent,
          .nan = Nan::none};
}

// What the flags of that format's rounding mean for an integer; it has no small numbers.
ULPSCOPE_HD constexpr Flag integer_flags(Flag flags, Inexact inexact) {
  const Flag kept = Flag::invalid | Flag::tie | Flag::broken_tie | Flag::away |
                    Flag::residue_saturated | Flag::residue_truncated |
                    flag_if(inexact == Inexact::raised, Flag::inexact);
  return flags & kept;
}

ULPSCOPE_HD constexpr uint64_t out_of_range_bits(IntegerType type, OutOfRange rule, bool is_nan,
                                                 bool negative) {
  const bool is_signed = type.sign == Sign::present;
  const auto all = low_mask<uint64_t>(type.width);
  const uint64_t top = uint64_t{1} << (type.width - 1);
  const uint64_t largest = is_signed ? all >> 1 : all;
  const uint64_t lowest = is_signed ? top : 0;
  switch (rule) {
    case OutOfRange::saturate: return negative && !is_nan ? lowest : largest;
    case OutOfRange::saturate_nan_zero: return is_nan ? 0 : negative ? lowest : largest;
    case OutOfRange::indefinite: return is_signed ? top : all;
  }
  return 0;
}

template <class Word>
ULPSCOPE_HD constexpr RoundedInteger integer_from(const Exact<Word>& x,
                                                  const BasicRounded<uint128>& rounded,
                                                  IntegerType type, ToInteger how) {
  const auto magnitude = static_cast<uint64_t>(rounded.bits);  // the sign is the bit above
  const bool is_signed = type.sign == Sign::present;
  const uint64_t largest = low_mask<uint64_t>(is_signed ? type.width - 1 : type.width);
  const uint64_t reach = !x.negative ? largest : is_signed ? largest + 1 : 0;
  const bool is_number = x.kind == Kind::zero || x.kind == Kind::finite;
  if (!is_number || has(rounded.flags, Flag::overflow) || magnitude > reach) {
    const bool is_nan = x.kind == Kind::nan;
    return {out_of_range_bits(type, how.out_of_range, is_nan, x.negative),
            residue_end(x.negative && !is_nan), Flag::invalid | Flag::residue_saturated};
  }
  const uint64_t bits = x.negative ? ~magnitude + 1 : magnitude;
  return {bits & low_mask<uint64_t>(type.width), rounded.residue,
          integer_flags(rounded.flags, how.inexact)};
}

// The integral value next to a number with a fraction.
template <class Word>
struct Integral {
  Exact<Word> value;
  int64_t residue;
};
template <class Word>
ULPSCOPE_HD constexpr Integral<Word> integral_from(const Exact<Word>& x,
                                                   const BasicRounded<uint128>& rounded,
                                                   Inexact inexact) {
  const auto magnitude = static_cast<uint64_t>(rounded.bits);
  const Flag flags = x.flags | integer_flags(rounded.flags, inexact);
  if (magnitude == 0) return {exact_zero<Word>(x.negative, flags), rounded.residue};
  const Exact<Word> value{.significand = static_cast<Word>(magnitude),
                          .kind = Kind::finite,
                          .negative = x.negative,
                          .flags = flags};
  return {value, rounded.residue};
}
template <class Word>
ULPSCOPE_HD constexpr bool has_fraction(const Exact<Word>& x) {
  return x.kind == Kind::finite && x.exponent < 0;
}

// To the integral value's own format. Only one of the two steps can have lost something, unless
// the integral value does not exist there.
template <class Code, class Word>
ULPSCOPE_HD constexpr BasicRounded<Code> pack_integral(const Format& f, const Integral<Word>& x,
                                                       Rounding r) {
  auto packed = round_pack<Code>(f, x.value, r);
  if (!has(packed.flags, Flag::residue_saturated)) packed.residue += x.residue;
  return packed;
}

}  // namespace detail

// An exact operand without sticky part as an integer.
template <class Word>
ULPSCOPE_HD constexpr RoundedInteger to_integer(const Exact<Word>& x, IntegerType type, Mode mode,
                                                ToInteger how = {}) {
  return detail::integer_from(x, round_pack<uint128>(detail::integers(), x, Rounding{mode}), type,
                              how);
}
template <class Word>
ULPSCOPE_HD constexpr RoundedInteger to_integer(const Exact<Word>& x, IntegerType type,
                                                Stochastic r, uint64_t random, ToInteger how = {}) {
  r.policy = {};
  return detail::integer_from(x, round_pack<uint128>(detail::integers(), x, r, random), type, how);
}

// The integer that the lowest type.width bits mean.
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> exact_integer(uint64_t bits, IntegerType type) {
  const auto mask = low_mask<uint64_t>(type.width);
  const bool negative = type.sign == Sign::present && (bits >> (type.width - 1) & 1) != 0;
  const uint64_t magnitude = (negative ? ~bits + 1 : bits) & mask;
  if (magnitude == 0) return exact_zero<Word>(false);
  return {.significand = static_cast<Word>(magnitude), .kind = Kind::finite, .negative = negative};
}

// The code of f rounded to an integral value by `mode`; what lies outside the format afterwards is
// for the policy. Flushes subnormal operands as the policy says.
template <class Word, class Code = uint64_t>
ULPSCOPE_HD constexpr BasicRounded<Code> round_to_integral(const Format& f, Code bits, Rounding r,
                                                           Inexact inexact) {
  const auto x = operand<Word>(f, bits, r.policy.flush);
  if (!detail::has_fraction(x)) return round_pack<Code>(f, x, r);
  const auto rounded = round_pack<uint128>(detail::integers(), x, Rounding{r.mode});
  return detail::pack_integral<Code>(f, detail::integral_from(x, rounded, inexact), r);
}

// The type of one of C++'s integers.
template <class Int>
requires(std::is_integral_v<Int> && sizeof(Int) <= 8) constexpr IntegerType integer_type{
    8 * static_cast<int>(sizeof(Int)), std::is_signed_v<Int> ? Sign::present : Sign::absent};

template <class Int>
struct IntegerResult {
  Int value;
  int64_t residue;  // rounded minus exact, in 2^-32
  Flag flags;
};

template <class Int, Format F, Rounding R>
ULPSCOPE_HD constexpr IntegerResult<Int> to_integer(Soft<F, R> x, Mode mode, ToInteger how = {}) {
  constexpr Format f = F;
  constexpr IntegerType type = integer_type<Int>;
  const auto r = to_integer(operand<word_for<F>>(f, x.bits(), R.policy.flush), type, mode, how);
  return {static_cast<Int>(r.bits), r.residue, r.flags};
}

template <class To, class Int>
ULPSCOPE_HD constexpr Result<To> integer_to(Int x) {
  constexpr IntegerType type = integer_type<Int>;
  return detail::rounded_to<To>(
      exact_integer<detail::common_word<To>>(static_cast<uint64_t>(x), type));
}

template <Format F, Rounding R>
ULPSCOPE_HD constexpr Result<Soft<F, R>> round_to_integral(Soft<F, R> x, Mode mode,
                                                           Inexact inexact = Inexact::raised) {
  constexpr Format f = F;
  using Number = Soft<F, R>;
  const auto r = round_to_integral<word_for<F>>(f, static_cast<typename Number::Code>(x.bits()),
                                                Rounding{mode, R.policy}, inexact);
  return {Number::from_bits(r.bits), r.residue, r.flags};
}

}  // namespace ulpscope
