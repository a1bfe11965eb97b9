// Binary floats of 160 bits, and their way to and from doubles.
// Tested by tests/reference/exact_attention_test.cpp and exact_gradients_test.cpp.
#pragma once

#include "ulpscope/reference/exact_gradients.hpp"

#include <cmath>
#include <vector>

#include <boost/multiprecision/cpp_bin_float.hpp>

namespace ulpscope {

using Float160 = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<160, boost::multiprecision::digit_base_2>,
    boost::multiprecision::et_off>;

namespace exact {

inline constexpr double claimed_error = 0x1p-90;
// For sums of magnitudes in double: above every rounding and, relative to what a weight multiplies,
// every underflow of the weight.
inline constexpr double rounding_allowance = 1.0001;
inline constexpr double underflow_floor = 0x1p-500;

inline double not_below(const Float160& weight) {
  return weight.convert_to<double>() * rounding_allowance + underflow_floor;
}

inline TwoDoubles two_doubles(const Float160& x) {
  const auto hi = x.convert_to<double>();
  if (!std::isfinite(hi)) return {hi, 0.0};
  return {hi, Float160(x - Float160(hi)).convert_to<double>()};
}

inline FourDoubles four_doubles(Float160 x) {
  FourDoubles result;
  for (double& part : result.part) {
    part = x.convert_to<double>();
    if (!std::isfinite(part)) break;
    x -= Float160(part);
  }
  return result;
}

inline Float160 float160(const FourDoubles& x) {
  Float160 sum = 0;
  for (size_t i = x.part.size(); i-- > 0;) sum += Float160(x.part[i]);
  return sum;
}

inline std::vector<Float160> widened(const double* x, int64_t n) { return {x, x + n}; }

inline Float160 dot(const std::vector<Float160>& a, const double* b) {
  Float160 sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * Float160(b[i]);
  return sum;
}

}  // namespace exact

}  // namespace ulpscope
