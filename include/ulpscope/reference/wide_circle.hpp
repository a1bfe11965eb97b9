// Sine and cosine in plain binary64 arithmetic: the same bits on every machine, as wide_exp.hpp.
//
//   wide_circle(angle).sine, .cosine            angles in radians, |angle| <= 2^20
//
// The angle loses k quarter turns by a product of three parts (33, 33 and 53 bits of pi/2, so that
// the first two products are exact), and Taylor polynomials give both functions on [-pi/4, pi/4].
//
// Error, derived in docs/numerics/wide_reference.md, held by the test: each of the two is within
// wide_circle_error of the exact number. Rounded to binary32 it is the nearest one but for about
// one angle in 2^27. Limits: nearest-even without flushing, see base/host_fp.hpp; larger angles,
// NaN and infinities give NaN. Tested by tests/reference/wide_circle_test.cpp.
#pragma once

namespace ulpscope {

inline constexpr double wide_circle_error = 0x1p-52;

struct SineCosine {
  double sine;
  double cosine;
};

SineCosine wide_circle(double angle);

}  // namespace ulpscope
