// The eight minima and maxima of IEEE 754-2019 (9.6).
//
//                          by value               by magnitude
//   a NaN wins             minimum                minimum_magnitude
//   a number wins          minimum_number         minimum_magnitude_number
//   and likewise maximum
//
//   minimum(0, -0) is -0; minimum_number(1, NaN) is 1; maximum_magnitude(-3, 2) is -3
//
// -0 is below +0. Equal magnitudes are decided by value. A signalling NaN is invalid in all eight,
// also where the number wins. The result is one of the operands, so a format that has both has it;
// extremum_to rounds it once into any other. (The minNum of IEEE 754-2008, which turns a signalling
// NaN into a result, is not among them; 2019 removed it.)
//
// Tested by tests/arith/min_max_test.cpp.
#pragma once

#include "ulpscope/arith/compare.hpp"

namespace ulpscope {

enum class Extremum : uint8_t {
  minimum,
  maximum,
  minimum_number,
  maximum_number,
  minimum_magnitude,
  maximum_magnitude,
  minimum_magnitude_number,
  maximum_magnitude_number,
};

ULPSCOPE_HD constexpr bool seeks_maximum(Extremum which) {
  switch (which) {
    case Extremum::minimum:
    case Extremum::minimum_number:
    case Extremum::minimum_magnitude:
    case Extremum::minimum_magnitude_number: return false;
    case Extremum::maximum:
    case Extremum::maximum_number:
    case Extremum::maximum_magnitude:
    case Extremum::maximum_magnitude_number: return true;
  }
  return false;
}
ULPSCOPE_HD constexpr bool by_magnitude(Extremum which) {
  switch (which) {
    case Extremum::minimum:
    case Extremum::maximum:
    case Extremum::minimum_number:
    case Extremum::maximum_number: return false;
    case Extremum::minimum_magnitude:
    case Extremum::maximum_magnitude:
    case Extremum::minimum_magnitude_number:
    case Extremum::maximum_magnitude_number: return true;
  }
  return false;
}
ULPSCOPE_HD constexpr bool prefers_numbers(Extremum which) {
  switch (which) {
    case Extremum::minimum:
    case Extremum::maximum:
    case Extremum::minimum_magnitude:
    case Extremum::maximum_magnitude: return false;
    case Extremum::minimum_number:
    case Extremum::maximum_number:
    case Extremum::minimum_magnitude_number:
    case Extremum::maximum_magnitude_number: return true;
  }
  return false;
}

namespace detail {

// Whether x lies below y, no NaN among them; -0 below +0.
template <class Word>
ULPSCOPE_HD constexpr bool lies_below(const Exact<Word>& x, const Exact<Word>& y, Extremum which) {
  if (by_magnitude(which)) {
    const Relation magnitudes = magnitude_relation(x, y);
    if (magnitudes != Relation::equal) return magnitudes == Relation::less;
  }
  const Relation values = relation(x, y);
  return values == Relation::less || (values == Relation::equal && x.negative && !y.negative);
}

}  // namespace detail

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> extremum(Extremum which, const Exact<Word>& x,
                                           const Exact<Word>& y) {
  const bool x_is_nan = x.kind == Kind::nan;
  const bool y_is_nan = y.kind == Kind::nan;
  if ((x_is_nan && y_is_nan) || ((x_is_nan || y_is_nan) && !prefers_numbers(which))) {
    return first_nan(x, y);
  }
  const bool takes_x =
      y_is_nan || (!x_is_nan && detail::lies_below(x, y, which) != seeks_maximum(which));
  Exact<Word> result = takes_x ? x : y;
  result.flags = x.flags | y.flags;
  return result;
}

template <class To, class X, class Y>
ULPSCOPE_HD constexpr Result<To> extremum_to(Extremum which, X x, Y y) {
  using Word = detail::common_word<To, X, Y>;
  return detail::rounded_to<To>(
      extremum(which, detail::exact<To, Word>(x), detail::exact<To, Word>(y)));
}

template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> minimum(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::minimum, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> maximum(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::maximum, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> minimum_number(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::minimum_number, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> maximum_number(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::maximum_number, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> minimum_magnitude(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::minimum_magnitude, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> maximum_magnitude(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::maximum_magnitude, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> minimum_magnitude_number(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::minimum_magnitude_number, x, y).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> maximum_magnitude_number(Soft<F, R> x, Soft<F, R> y) {
  return extremum_to<Soft<F, R>>(Extremum::maximum_magnitude_number, x, y).value;
}

}  // namespace ulpscope
