// exp, log and tanh in plain binary64 arithmetic: the same bits on every machine.
//
// A library's exp differs between versions and processors (FMA or not), and with it every number
// of a report. These use additions, multiplications, one division and integer shifts only, each
// rounded once by IEEE 754, so the bits are fixed by this text. The loop over an array has no
// branch and vectorises; element i of it is wide_exp(x[i]), bit for bit.
//
// Error (derived in docs/numerics/wide_reference.md, held by the test):
//   |wide_exp(x) - e^x| <= wide_exp_error e^x + 2^-1075
//   |wide_log(x) - ln x| <= wide_log_error + 2^-53 |ln x|
//   |wide_tanh(x) - tanh x| <= wide_tanh_error |tanh x|
//   |wide_tanh_slope(x) - tanh' x| <= wide_tanh_slope_error tanh' x + 2^-1072
//
// wide_exp takes every double: above 709.78 it gives infinity, below -745.14 zero, NaN for NaN.
// wide_log is for normal positive numbers, NaN and infinity; anything else gives NaN.
// wide_tanh and its derivative 1 - tanh^2 take every double.
// Limits: nearest-even without flushing, see base/host_fp.hpp (the array form guards itself).
// Tested by tests/reference/wide_exp_test.cpp.
#pragma once

#include <cstdint>

namespace ulpscope {

inline constexpr double wide_exp_error = 0x1p-52;
inline constexpr double wide_log_error = 0x1p-52;
inline constexpr double wide_tanh_error = 10 * 0x1p-53;
inline constexpr double wide_tanh_slope_error = 0x1p-50;

double wide_exp(double x);
double wide_log(double x);
double wide_tanh(double x);
double wide_tanh_slope(double x);

// y[i] = exp(x[i]) for i < n; x and y may be the same array.
void wide_exp(const double* x, double* y, int64_t n);

}  // namespace ulpscope
