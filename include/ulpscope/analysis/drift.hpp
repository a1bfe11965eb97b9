// How an error of delta adds up in a weight's gradient over training steps.
//
//   dW_hp - dW_lp = alpha sum over steps n of c_n R_n,   c_n = sum over rows of (delta_lp -
//   delta_hp)
//
// with R_n the rank-1 direction (PK)[T]^T X[T] of a step. Of these the paper says that they look
// alike over tokens and steps, which is what lets a bias of c grow. Three curves tell the cases
// apart, R_n being unit vectors u v^T:
//
//   shared    R the same in all steps               |c_1 + ... + c_n|, grows like n where c is
//   biased random    R_n drawn anew in every step           like sqrt(n), whatever c flipped   R
//   shared, the signs of c at random     like sqrt(n): the control
//
// A curve's exponent is the slope of its logarithm over that of the step, by least squares over the
// last nine tenths of the steps. The control is the root mean square over `flips` draws of signs.
// The norm is the spectral one, by power iteration.
//
// Source: Qiu and Yao, arXiv 2510.04212, equations 2 and 3. Tested by
// tests/analysis/drift_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

struct DriftOptions {
  int64_t dim = 64;    // of the head: R has dim x width
  int64_t width = 64;  // of X
  uint64_t seed = 1;
  int flips = 64;
};

struct DriftCurve {
  std::vector<double> norm;  // after every step
  double exponent = 0;       // NaN where there are too few steps or the norm is 0
};

struct Drift {
  std::vector<double> cumulative;  // of the coefficients, signed
  double share = 0;                // the last of these over the sum of magnitudes
  DriftCurve shared;
  DriftCurve random;
  DriftCurve flipped;
};

// One coefficient a step.
Drift drift_of(std::span<const double> coefficients, const DriftOptions& options);

// The slope of log y over log n, y_1 standing first.
double growth_exponent(std::span<const double> y);

// The largest singular value of a row-major matrix.
double spectral_norm(std::span<const double> matrix, int64_t rows, int64_t columns);

}  // namespace ulpscope
