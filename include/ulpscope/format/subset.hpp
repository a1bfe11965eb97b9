// Whether a format holds every value of another: what lets a conversion be called exact before it
// is run.
//
//   is_subset(bf16, fp32);  !is_subset(bf16, fp16)   (2^127 is not in fp16)
//
// Infinity, NaN, zero and -0 count as values. Tested by tests/format/subset_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

namespace ulpscope {

namespace detail {

// The largest finite number: its binade, and its significand moved to the top of the word, so
// that formats of any precision compare.
struct Largest {
  int exponent;
  uint64_t significand;
};
ULPSCOPE_HD constexpr Largest largest_finite(const Format& f) {
  const auto bits = largest_finite_bits<uint128>(f);
  const auto field = static_cast<int>(bits >> f.trailing_bits);
  const bool normal = field != 0 || f.zero == Zero::none;
  const uint64_t hidden = normal ? uint64_t{1} << f.trailing_bits : 0;
  const uint64_t significand = hidden | (static_cast<uint64_t>(bits) & trailing_mask(f));
  const int binades = normal && f.zero != Zero::none ? field - 1 : field;
  const int unit = emin(f) - f.trailing_bits + binades;
  return {unit + bit_width(significand) - 1, significand << (64 - bit_width(significand))};
}

// Below the normal numbers of `outer` only multiples of its smallest number exist.
ULPSCOPE_HD constexpr bool reaches_down(const Format& inner, const Format& outer) {
  const int finest = emin(inner) - inner.trailing_bits;
  return smallest_positive_exponent(inner) >= smallest_positive_exponent(outer) &&
         (emin(inner) >= emin(outer) || finest >= smallest_positive_exponent(outer));
}

}  // namespace detail

ULPSCOPE_HD constexpr bool is_subset(const Format& inner, const Format& outer) {
  const auto x = detail::largest_finite(inner);
  const auto y = detail::largest_finite(outer);
  const bool reaches_up =
      x.exponent < y.exponent || (x.exponent == y.exponent && x.significand <= y.significand);
  const bool zeros =
      inner.zero == Zero::none ||
      (outer.zero != Zero::none && (inner.zero != Zero::both || outer.zero == Zero::both));
  return precision(inner) <= precision(outer) && reaches_up && zeros &&
         detail::reaches_down(inner, outer) &&
         (inner.sign == Sign::absent || outer.sign == Sign::present) &&
         (!has_infinity(inner) || has_infinity(outer)) && (!has_nan(inner) || has_nan(outer));
}

}  // namespace ulpscope
