// tanh x, cut to the bits of the word and sticky: exact for round_pack in every mode.
//
//   tanh_exact(1) = 0x1.85efab514f394558... / 2
//
// Method. With u = e^(-2|x|), tanh |x| = (1 - u) / (1 + u): the exponential of exponential.hpp, and
// a reciprocal by Newton. 1 - u cancels for a small x, where the error, fixed in units, is more of
// the result: the rounding test sees that and asks for more limbs. Below 2^-32 (64-bit word) x
// itself, less something, is the answer. Errors in units (2^-64N for N limbs) stand beside the
// steps; docs/numerics/functions.md adds them up. The value is irrational except tanh 0.
//
// Tested by tests/arith/functions_test.cpp and, against MPFR, tests/oracles.
#pragma once

#include "ulpscope/arith/exponential.hpp"

namespace ulpscope {

namespace detail {

struct HyperbolicTangent {
  template <int N, class Word>
  ULPSCOPE_HD static constexpr Attempt<Word> attempt(const Exact<Word>& x) {
    const Reduced<N> twice = reduced_by_ln2<N>(magnitude_of<N>(x, 1));
    constexpr auto ln2_units = ln2<N>();
    const Fixed<N> g = expm1_fraction(ln2_units - twice.r);
    const Fixed<N> u = fraction(joined(1, g) >> (twice.n + 1));  // 2^(-n-1) (1 + g)
    const Fixed<N> value = (Fixed<N>{} - u) * reciprocal_of_one_plus(u);
    // u is off by half the error of 1 + g, and 1; so are 1 - u and 1 / (1 + u); 3 and 1 for the
    // reciprocal and the product.
    const uint64_t error = exp_error(N) + 2 * (static_cast<uint64_t>(twice.n) + 4) + 2 + 4;
    return cut_to_word<Word>(joined(0, value), error, -64 * N, x.negative);
  }
};

// x less something below its lowest bit: x > tanh x > x (1 - x^2 / 3).
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> just_below(const Exact<Word>& x) {
  // To the full word less one bit, and then one unit down. An x of a full word is cut here: what is
  // dropped is more than x^3 / 3, and the rest stays below x.
  const int up = word_bits<Word> - 1 - bit_width(x.significand);
  const auto dropped = shift_right_jam(x.significand, up < 0 ? -up : 0);
  const Word aligned = up > 0 ? static_cast<Word>(x.significand << up) : dropped.word;
  const Word below = dropped.sticky ? aligned : static_cast<Word>(aligned - Word{1});
  const int excess = bit_width(below) - kept_bits<Word>;  // 1, or 0 below a power of two
  return {.significand = static_cast<Word>(below >> excess),
          .exponent = x.exponent - up + excess,
          .kind = Kind::finite,
          .negative = x.negative,
          .sticky = true,
          .flags = x.flags};
}

}  // namespace detail

template <class Word>
ULPSCOPE_HD constexpr Exact<Word> tanh_exact(const Exact<Word>& x) {
  if (x.kind == Kind::nan || x.kind == Kind::zero) return x;
  if (x.kind == Kind::infinity) {
    return {.significand = 1, .kind = Kind::finite, .negative = x.negative, .flags = x.flags};
  }
  constexpr int word = word_bits<Word>;
  const int exponent = exponent_of(x);
  // |x| < 2^(-w/2): x^2 / 3 is below a unit in the last place of w bits.
  if (exponent < -word / 2) return detail::just_below(x);
  // |x| >= w/2: 1 - tanh < 2 e^-2x < 2^(1 - 1.4 w).
  if (exponent >= bit_width(static_cast<uint32_t>(word)) - 2) {
    auto y = detail::beside_one<Word>(detail::Side::below, x.negative);
    y.flags = x.flags;
    return y;
  }
  return detail::proved_value<detail::HyperbolicTangent>(x);
}

}  // namespace ulpscope
