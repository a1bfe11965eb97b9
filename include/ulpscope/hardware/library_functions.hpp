// expf, logf, log2f, __expf and __logf of the CUDA math library, step for step.
//
// The library's functions are short programs of FFMA, FMUL and one MUFU at most, so their bits
// follow from those of the instructions. Without fast-math:
//
//   expf:  n = round(x log2 e) by the low bits of a sum near 2^23 (rounded down), f = x log2 e - n
//          in two FMAs, MUFU.EX2(f) times 2^n
//   logf:  x = 2^e m with m in [2/3, 4/3), a polynomial in u = m - 1, plus e ln 2 by one FMA
//   log2f: the same with m in [0.707, 1.414) and its own polynomial; e is added, not fused
//
// exp2f is ex2_approx of special_functions.hpp. All arithmetic is integer, so the host's rounding
// mode does not matter.
//
// Source: PTX and machine code of nvcc 13.0 for sm_90a; the constants are those of the code. Held
// by all 2^32 operands in cuda/hardware/check_special_functions.cu.
// Tested by tests/hardware/library_functions_test.cpp.
#pragma once

#include "ulpscope/hardware/special_functions.hpp"

namespace ulpscope {

namespace detail {

// binary32 codes; the comments say which numbers.
inline constexpr uint32_t log2_of_e = 0x3FB8'AA3B;
inline constexpr uint32_t ln_2 = 0x3F31'7218;
inline constexpr uint32_t minus_one32 = sign_bit32 | one32;

// .sat: into [0, 1], NaN to +0.
ULPSCOPE_HD constexpr uint32_t saturate(uint32_t x) {
  if (is_nan32(x) || x >= sign_bit32) return 0;
  return x > one32 ? one32 : x;
}

// x = 2^exponent * (1 + u).
struct LogOperand {
  uint32_t scaled;  // x, lifted by 2^23 if it was below the normal numbers
  uint32_t exponent;
  uint32_t u;
};

// `lowest` is the code of the smallest 1 + u. Numbers below the normal ones, negative ones too,
// are lifted; what becomes of negative numbers and NaN is settled by log_result.
ULPSCOPE_HD constexpr LogOperand log_operand(uint32_t x, uint32_t lowest) {
  constexpr uint32_t two_to_23 = 0x4B00'0000;
  const bool lift = x < smallest_normal32 || (x >= sign_bit32 && !is_nan32(x));
  const uint32_t scaled = lift ? fmul(x, two_to_23) : x;
  const uint32_t steps = (scaled - lowest) & ~fraction_mask32;  // the exponent, times 2^23
  // The code converts these by I2F and one FMA, both exact.
  const int exponent = (static_cast<int>(steps) >> 23) - (lift ? 23 : 0);
  return {.scaled = scaled,
          .exponent = Soft<fp32>(exponent).bits(),
          .u = fadd(scaled - steps, minus_one32)};
}

// Horner's rule by FFMA, the first coefficient outermost.
template <int n>
ULPSCOPE_HD constexpr uint32_t horner(const uint32_t (&coefficients)[n], uint32_t u) {
  uint32_t q = coefficients[0];
  for (int i = 1; i < n; ++i) q = ffma(q, u, coefficients[i]);
  return q;
}

// `y`, but what a logarithm is at zeros, infinity, NaN and negative numbers.
ULPSCOPE_HD constexpr uint32_t log_result(uint32_t x, uint32_t y) {
  if ((x & ~sign_bit32) == 0) return sign_bit32 | infinity32;
  if (x >= infinity32) return x == infinity32 ? infinity32 : gpu_nan;
  return y;
}

}  // namespace detail

// expf(x).
ULPSCOPE_HD constexpr uint32_t library_expf(const MufuTables& tables, uint32_t x) {
  constexpr uint32_t log2_of_e_over_252 = 0x3BBB'989D;
  constexpr uint32_t log2_of_e_rest = 0x32A5'7060;  // log2 e less its binary32
  constexpr uint32_t one_half = 0x3F00'0000;
  constexpr uint32_t range = 0x437C'0000;             // 252 exponents
  constexpr uint32_t shifter = 0x4B40'0001;           // 1.5 * 2^23 + 1
  constexpr uint32_t shifter_and_bias = 0xCB40'007F;  // -(1.5 * 2^23 + 127)
  // (x log2 e) / 252 + 1/2 in [0, 1]; 252 times that, rounded down, in the low bits of j.
  const uint32_t t = detail::saturate(ffma(x, log2_of_e_over_252, one_half));
  const uint32_t j = ffma<downward>(t, range, shifter);
  const uint32_t minus_n = fadd(j, shifter_and_bias) ^ detail::sign_bit32;
  uint32_t f = ffma(x, detail::log2_of_e, minus_n);
  f = ffma(x, log2_of_e_rest, f);
  const uint32_t two_to_n = j << 23;
  return fmul(mufu_ex2(tables, f), two_to_n);
}

// logf(x).
ULPSCOPE_HD constexpr uint32_t library_logf(uint32_t x) {
  constexpr uint32_t two_thirds = 0x3F2A'AAAB;
  constexpr uint32_t coefficients[] = {0xBE05'5027, 0x3E10'39F6, 0xBDF8'CDCC,
                                       0x3E0F'2955, 0xBE2A'D8B9, 0x3E4C'ED0B,
                                       0xBE7F'FF22, 0x3EAA'AA78, 0xBF00'0000};
  const auto [scaled, exponent, u] = detail::log_operand(x, two_thirds);
  const uint32_t tail = ffma(fmul(u, detail::horner(coefficients, u)), u, u);
  return detail::log_result(scaled, ffma(exponent, detail::ln_2, tail));
}

// log2f(x).
ULPSCOPE_HD constexpr uint32_t library_log2f(uint32_t x) {
  constexpr uint32_t root_half = 0x3F35'04F3;
  constexpr uint32_t coefficients[] = {0x3DC6'B27F, 0xBE2C'7F30, 0x3E2F'CF2A, 0xBE37'4E43,
                                       0x3E52'0BF4, 0xBE76'3C8B, 0x3E93'BF99, 0xBEB8'AA49,
                                       0x3EF6'384A, 0xBF38'AA3B};
  const auto [scaled, exponent, u] = detail::log_operand(x, root_half);
  const uint32_t square_terms = fmul(u, fmul(u, detail::horner(coefficients, u)));
  const uint32_t tail = ffma(u, detail::log2_of_e, square_terms);
  return detail::log_result(scaled, fadd(exponent, tail));
}

// __expf(x): one FMUL before ex2.
ULPSCOPE_HD constexpr uint32_t fast_expf(const MufuTables& tables, uint32_t x) {
  return ex2_approx(tables, fmul(x, detail::log2_of_e));
}

// __logf(x): one FMUL after lg2.
ULPSCOPE_HD constexpr uint32_t fast_logf(const MufuTables& tables, uint32_t x) {
  return fmul(lg2_approx(tables, x), detail::ln_2);
}

}  // namespace ulpscope
