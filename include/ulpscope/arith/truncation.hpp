// The rounding test, and the ladder of precisions that it climbs.
//
// An irrational value v cannot be computed exactly, but its first bits can be proved. An attempt
// computes v to within an error e; if v - e and v + e agree when cut to the bits that the word
// keeps, then the cut of v is that, and v has more below it: sticky. That is all round_pack needs
// to be right in every mode, its residue included. If the two differ, v is closer to a number of so
// few bits than e tells, and the next attempt takes twice the limbs (Ziv's strategy; A. Ziv, ACM
// TOMS 17, 1991).
//
//   v = 1.0111|0000 0001..., e = 2^-10   1.0111|0000 0000 .. 1.0111|0000 0010   proved
//   v = 1.0111|0000 0000..., e = 2^-8    1.0110|1111 1111 .. 1.0111|0000 0001   again
//
// v is irrational, so it is at some distance from every such number and some number of limbs proves
// it. There are two attempts; docs/numerics/functions.md says why no operand needs a third, and
// what its value would be. Tested by tests/arith/functions_test.cpp.
#pragma once

#include "ulpscope/arith/fixed.hpp"
#include "ulpscope/format/exact.hpp"

namespace ulpscope::detail {

// Bits of a result: the most that every operation's word holds with a bit to spare.
template <class Word>
inline constexpr int kept_bits = word_bits<Word> - 2;

// Limbs of the first attempt: the bits kept and at least 64 more; and of the last.
template <class Word>
inline constexpr int first_limbs = word_bits<Word> / 64 + 1;
template <class Word>
inline constexpr int last_limbs = 2 * first_limbs<Word>;

template <class Word>
struct Attempt {
  Exact<Word> value;
  bool proved;
};

template <class Word, int N>
ULPSCOPE_HD constexpr Word low_word(const Fixed<N>& x) {
  if constexpr (word_bits<Word> == 64) {
    return x.limbs[0];
  } else {
    Word word = static_cast<Word>(x.limbs[word_bits<Word> / 64 - 1]);
    for (int i = word_bits<Word> / 64 - 2; i >= 0; --i) {
      word = static_cast<Word>((word << 64) | static_cast<Word>(x.limbs[i]));
    }
    return word;
  }
}

// (-1)^negative (value +- error) 2^exponent, error in units of value's lowest bit, cut.
template <class Word, int N>
ULPSCOPE_HD constexpr Attempt<Word> cut_to_word(const Fixed<N>& value, uint64_t error, int exponent,
                                                bool negative = false) {
  const Fixed<N> low = value - Fixed<N>::units(error);  // wraps if below 0: then no bits agree
  const Fixed<N> high = value + Fixed<N>::units(error);
  const int excess = bit_width(low) - kept_bits<Word>;
  const int shift = excess > 0 ? excess : 0;
  const Fixed<N> kept = low >> shift;
  return {.value = {.significand = low_word<Word>(kept),
                    .exponent = exponent + shift,
                    .kind = Kind::finite,
                    .negative = negative,
                    .sticky = true},
          .proved = excess > 0 && kept == high >> shift};
}

// The value next to 1 from which an irrational one, nearer to 1 than a unit of the word, is cut.
enum class Side : uint8_t { below, above };
template <class Word>
ULPSCOPE_HD constexpr Exact<Word> beside_one(Side side, bool negative = false) {
  constexpr int bits = kept_bits<Word>;
  const bool above = side == Side::above;
  return {.significand = above ? static_cast<Word>(Word{1} << (bits - 1)) : low_mask<Word>(bits),
          .exponent = above ? 1 - bits : -bits,
          .kind = Kind::finite,
          .negative = negative,
          .sticky = true};
}

// |x| 2^scale as a whole part, below 2^64, and a fraction, cut.
template <int N, class Word>
ULPSCOPE_HD constexpr Fixed<N + 1> magnitude_of(const Exact<Word>& x, int scale = 0) {
  Fixed<N + 1> y;
  for (int i = 0; i < word_bits<Word> / 64; ++i) {
    y.limbs[i] = static_cast<uint64_t>(x.significand >> (64 * i));
  }
  const int shift = x.exponent + scale + 64 * N;
  return shift >= 0 ? y << shift : y >> -shift;
}

// Function::attempt<limbs> with more and more limbs, until one is proved or the last.
template <class Function, int limbs, class Word>
ULPSCOPE_HD constexpr Exact<Word> climbed(const Exact<Word>& x) {
  Attempt<Word> attempt = Function::template attempt<limbs>(x);
  attempt.value.flags = x.flags;
  if constexpr (limbs < last_limbs<Word>) {
    if (!attempt.proved) return climbed<Function, 2 * limbs>(x);
  }
  return attempt.value;
}
template <class Function, class Word>
ULPSCOPE_HD constexpr Exact<Word> proved_value(const Exact<Word>& x) {
  return climbed<Function, first_limbs<Word>>(x);
}

}  // namespace ulpscope::detail
