// Comparisons as IEEE 754-2019 has them (5.11), and the total order of codes (5.10).
//
//   compare(Soft<bf16>(1.5), Soft<fp32>(2.0)).less();  compare(x, nan).unordered()
//   total_order(fp16, 0x8000, 0x0000), but not the other way round: -0 lies below +0
//
// Values are compared, exactly and in any two formats: zeros are equal, a NaN is unordered. A quiet
// comparison is invalid for signalling NaNs only, a signalling one for every NaN; in IEEE 754's
// terms (and TestFloat's names) the quiet ones are compareQuietLess and so on, `eq` is quiet, `lt`
// and `le` are signalling. Subnormals are compared as they are, whatever a policy flushes.
//
// The total order is one of codes of one format: sign first, then the magnitude code, so that
// NaNs stand beyond the infinities of their sign and quiet ones beyond signalling ones. The one NaN
// of fnuz and P3109 formats has no sign and stands above everything.
//
// Tested by tests/arith/compare_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

enum class Relation : uint8_t { less, equal, greater, unordered };

// A NaN raises invalid: only if it signals, or always.
enum class Signal : uint8_t { quiet, always };

struct Comparison {
  Relation relation;
  Flag flags;

  ULPSCOPE_HD constexpr bool less() const { return relation == Relation::less; }
  ULPSCOPE_HD constexpr bool equal() const { return relation == Relation::equal; }
  ULPSCOPE_HD constexpr bool greater() const { return relation == Relation::greater; }
  ULPSCOPE_HD constexpr bool unordered() const { return relation == Relation::unordered; }
  ULPSCOPE_HD constexpr bool less_equal() const { return less() || equal(); }
  ULPSCOPE_HD constexpr bool greater_equal() const { return greater() || equal(); }
};

namespace detail {

template <class Number>
ULPSCOPE_HD constexpr Relation relation_of(const Number& x, const Number& y) {
  return x < y ? Relation::less : x == y ? Relation::equal : Relation::greater;
}

ULPSCOPE_HD constexpr Relation reversed(Relation r) {
  switch (r) {
    case Relation::less: return Relation::greater;
    case Relation::greater: return Relation::less;
    case Relation::equal:
    case Relation::unordered: return r;
  }
  return r;
}

// zero < finite < infinity, as the enumeration has them.
ULPSCOPE_HD constexpr int rank(Kind kind) { return static_cast<int>(kind); }

}  // namespace detail

// |x| to |y|; operands without sticky part.
template <class Word>
ULPSCOPE_HD constexpr Relation magnitude_relation(const Exact<Word>& x, const Exact<Word>& y) {
  if (x.kind == Kind::nan || y.kind == Kind::nan) return Relation::unordered;
  if (x.kind != Kind::finite || y.kind != Kind::finite) {
    return detail::relation_of(detail::rank(x.kind), detail::rank(y.kind));
  }
  const auto a = detail::normalised(x);
  const auto b = detail::normalised(y);
  return a.exponent != b.exponent ? detail::relation_of(a.exponent, b.exponent)
                                  : detail::relation_of(a.significand, b.significand);
}

template <class Word>
ULPSCOPE_HD constexpr Relation relation(const Exact<Word>& x, const Exact<Word>& y) {
  if (x.kind == Kind::nan || y.kind == Kind::nan) return Relation::unordered;
  if (x.kind == Kind::zero && y.kind == Kind::zero) return Relation::equal;
  if (x.negative != y.negative) return x.negative ? Relation::less : Relation::greater;
  const Relation magnitudes = magnitude_relation(x, y);
  return x.negative ? detail::reversed(magnitudes) : magnitudes;
}

template <class Word>
ULPSCOPE_HD constexpr Comparison compare(const Exact<Word>& x, const Exact<Word>& y,
                                         Signal signal) {
  const Relation r = relation(x, y);
  const bool raised = r == Relation::unordered && signal == Signal::always;
  return {r, x.flags | y.flags | flag_if(raised, Flag::invalid)};
}

namespace detail {

// A place on a line of integers, by total order.
template <class Bits>
ULPSCOPE_HD constexpr int128 place(const Format& f, Bits bits) {
  const auto code = static_cast<uint128>(bits);
  const auto magnitude = static_cast<int128>(code & magnitude_mask<uint128>(f));
  if (f.nan == Nan::minus_zero && is_nan(f, code)) {
    return static_cast<int128>(magnitude_mask<uint128>(f)) + 1;
  }
  return is_negative(f, code) ? -magnitude - 1 : magnitude;
}

}  // namespace detail

// IEEE 754's totalOrder(x, y): whether x is y or lies below it. Raises nothing, even for a
// signalling NaN.
template <class Bits>
ULPSCOPE_HD constexpr bool total_order(const Format& f, Bits x, Bits y) {
  return detail::place(f, x) <= detail::place(f, y);
}

template <Format F, Rounding R, Format G, Rounding S>
ULPSCOPE_HD constexpr Comparison compare(Soft<F, R> x, Soft<G, S> y,
                                         Signal signal = Signal::quiet) {
  using Word = detail::common_word<Soft<F, R>, Soft<G, S>>;
  constexpr Format f = F;
  constexpr Format g = G;
  return compare(decode<Word>(f, x.bits()), decode<Word>(g, y.bits()), signal);
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr bool total_order(Soft<F, R> x, Soft<F, R> y) {
  constexpr Format f = F;
  return total_order(f, x.bits(), y.bits());
}

}  // namespace ulpscope
