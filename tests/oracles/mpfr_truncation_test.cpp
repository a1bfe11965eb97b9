// The cut values themselves, before any rounding, against GNU MPFR: bit by bit in all three words.
//
// MPFR rounds toward zero to the bits that a word keeps; that must be the significand of the exact
// value, and its ternary value the sticky bit.
#include <cstdio>
#include <random>
#include <string>

#include "oracles/mpfr_functions.hpp"
#include <doctest/doctest.h>
#include <gmp.h>

using namespace ulpscope;

namespace {

// |x| as an integer of GMP.
template <class Word>
void set_integer(mpz_ptr z, const Word& x) {
  uint64_t limbs[word_bits<Word> / 64];
  for (int i = 0; i < word_bits<Word> / 64; ++i) limbs[i] = static_cast<uint64_t>(x >> (64 * i));
  mpz_import(z, word_bits<Word> / 64, -1, sizeof(uint64_t), 0, 0, limbs);
}

// Operands of `bits` significant bits, drawn for their trouble: any binade from 2^-bits_kept to
// 2^9, few or many bits set, and, for logarithms, the neighbourhood of 1.
template <class Word>
Exact<Word> drawn(std::mt19937_64& random, int bits) {
  const uint64_t top = uint64_t{1} << (bits - 1);
  uint64_t significand = random() & (top - 1);
  switch (random() % 4) {
    case 0: significand = significand & random() & random() & random() & random(); break;
    case 1: significand >>= random() % static_cast<uint64_t>(bits); break;  // 1 + small
    case 2:
      significand = ~(significand >> random() % static_cast<uint64_t>(bits)) & (top - 1);
      break;
    default: break;
  }
  const int lowest = -word_bits<Word> - 4;
  int exponent = lowest + static_cast<int>(random() % static_cast<uint64_t>(9 - lowest));
  if (random() % 4 == 0) exponent = random() % 2 == 0 ? 0 : -1;
  return {.significand = static_cast<Word>(top | significand),
          .exponent = exponent - bits + 1,
          .kind = Kind::finite,
          .negative = random() % 2 == 0};
}

// Operands whose cut value is not MPFR's to the last bit.
template <class Word>
int differing(const Function<Word>& function, int bits, int count) {
  std::mt19937_64 random(static_cast<uint64_t>(bits));
  Real x(64);
  Real y(detail::kept_bits<Word>);
  mpz_t ours;
  mpz_t theirs;
  mpz_inits(ours, theirs, nullptr);
  int differences = 0;
  for (int i = 0; i < count; ++i) {
    const auto operand = drawn<Word>(random, bits);
    set_integer(ours, operand.significand);
    mpfr_set_z_2exp(x.get(), ours, operand.exponent, MPFR_RNDZ);
    if (operand.negative) mpfr_neg(x.get(), x.get(), MPFR_RNDZ);
    const bool sticky = function.mpfr(y.get(), x.get(), MPFR_RNDZ) != 0;
    const auto found = function.ours(operand);
    bool same = false;
    if (mpfr_nan_p(y.get()) != 0) {
      same = found.kind == Kind::nan && has(found.flags, Flag::invalid);
    } else if (mpfr_zero_p(y.get()) != 0) {
      same = found.kind == Kind::zero;
    } else {
      set_integer(ours, found.significand);
      auto exponent = static_cast<int64_t>(mpfr_get_z_2exp(theirs, y.get()));
      mpz_abs(theirs, theirs);
      if (!sticky) {  // the same number with as many zeros as the word has
        const auto zeros = static_cast<int64_t>(mpz_scan1(theirs, 0));
        const auto own = static_cast<int64_t>(mpz_scan1(ours, 0));
        mpz_mul_2exp(ours, ours, static_cast<mp_bitcnt_t>(zeros));
        mpz_fdiv_q_2exp(ours, ours, static_cast<mp_bitcnt_t>(own));
        exponent += zeros - own;
      }
      same = found.kind == Kind::finite && found.sticky == sticky && exponent == found.exponent &&
             found.negative == (mpfr_sgn(y.get()) < 0) && mpz_cmp(ours, theirs) == 0;
    }
    if (same) continue;
    if (++differences > 3) continue;
    char text[128];
    mpfr_snprintf(text, sizeof text, "%Ra -> %Ra", x.get(), y.get());
    MESSAGE(std::string(function.name), ": ", std::string(text));
  }
  mpz_clears(ours, theirs, nullptr);
  return differences;
}

}  // namespace

TEST_CASE("the cut values of 24-bit operands are MPFR's in a 64-bit word") {
  for (int i = 1; i < 6; ++i) CHECK(differing(functions<uint64_t>[i], 24, 20'000) == 0);
}
TEST_CASE("the cut values of 53-bit operands are MPFR's in a 128-bit word") {
  for (int i = 1; i < 6; ++i) CHECK(differing(functions<uint128>[i], 53, 8'000) == 0);
}
TEST_CASE("the cut values of 64-bit operands are MPFR's in a 256-bit word") {
  for (int i = 1; i < 6; ++i) CHECK(differing(functions<Uint256>[i], 64, 3'000) == 0);
}
TEST_CASE("a word holds operands as wide as itself") {
  for (int i = 1; i < 6; ++i) CHECK(differing(functions<uint64_t>[i], 64, 5'000) == 0);
}
