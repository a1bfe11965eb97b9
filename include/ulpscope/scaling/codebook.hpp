// Codebooks: formats of four bits whose sixteen values are a list and follow no rule.
//
//   nearest_code(nf4_codebook, Float32(0.08)) == 8;  level_value(nf4_codebook, 8) == 0.0795803
//
// The levels lie in [-1, 1] and are multiplied by the largest magnitude of a block. A value takes
// the level on its side of a threshold, the middle between two levels. On a threshold it takes the
// lower one; where a code has a sign bit that is the one of smaller magnitude.
//
// nf4 has the quantiles of a normal distribution, seven below zero and eight above (Dettmers,
// Pagnoni, Holtzman, Zettlemoyer 2023, QLoRA, arXiv 2305.14314, appendix E). fp4 has a sign, and
// eight magnitudes over 12: 0, 1/16, 2, 3, 4, 6, 8, 12, in the order of bitsandbytes's codes.
// Levels and thresholds are those that bitsandbytes compiles in (csrc/kernels.cu, dQuantizeNF4 and
// dQuantizeFP4). Its thresholds of fp4 are written with six or seven digits, so two of them are
// up to 2^-19 of themselves away from the middle; a bit-exact twin needs them as they are.
//
// Tested by tests/scaling/codebook_test.cpp, which derives nf4 from the normal quantiles.
#pragma once

#include "ulpscope/scaling/power.hpp"

namespace ulpscope {

struct Codebook {
  Sign sign;              // present: a bit above the magnitude codes
  int codes;              // 16, or 8 magnitudes
  Float32 level[16];      // by code
  uint8_t ascending[16];  // codes by level
  Float32 threshold[15];  // threshold[i] lies between ascending[i] and ascending[i + 1]
};

ULPSCOPE_HD constexpr int code_bits(const Codebook&) { return 4; }

// NaN is on the lower side of every threshold.
ULPSCOPE_HD constexpr uint32_t nearest_code(const Codebook& book, Float32 x) {
  const bool negative = book.sign == Sign::present && x < Float32(0.0);
  const Float32 place = book.sign == Sign::present ? abs(x) : x;
  int i = 0;
  while (i + 1 < book.codes && place > book.threshold[i]) ++i;
  const auto sign_bit = static_cast<uint32_t>(book.codes);
  return book.ascending[i] | (negative ? sign_bit : 0U);
}

ULPSCOPE_HD constexpr Float32 level_value(const Codebook& book, uint32_t code) {
  const auto sign_bit = static_cast<uint32_t>(book.codes);
  if (book.sign == Sign::absent) return book.level[code];
  const Float32 magnitude = book.level[code & (sign_bit - 1)];
  return (code & sign_bit) != 0 ? -magnitude : magnitude;
}

namespace detail {
template <int n>
constexpr Codebook codebook_of(Sign sign, const double (&levels)[n], const uint8_t (&ascending)[n],
                               const double (&thresholds)[n - 1]) {
  Codebook book{.sign = sign, .codes = n, .level = {}, .ascending = {}, .threshold = {}};
  for (int i = 0; i < n; ++i) {
    book.level[i] = Float32(levels[i]);
    book.ascending[i] = ascending[i];
    if (i + 1 < n) book.threshold[i] = Float32(thresholds[i]);
  }
  return book;
}
}  // namespace detail

// The decimals are those of bitsandbytes; each is rounded to binary32 here.
inline constexpr Codebook nf4_codebook = detail::codebook_of<16>(
    Sign::absent,
    {-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
     -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
     0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
     0.7229568362236023, 1.0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {-0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544,
     -0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767,
     0.1202552504837513, 0.2035212516784668, 0.2920137718319893, 0.3893125355243683,
     0.5016634166240692, 0.6427869200706482, 0.8614784181118011});
inline constexpr Codebook fp4_codebook = detail::codebook_of<8>(
    Sign::present, {0.0, 5.208333333e-03, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25},
    {0, 1, 6, 7, 4, 5, 2, 3},
    {0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333});

}  // namespace ulpscope
