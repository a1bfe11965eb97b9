// angle = k pi/2 + r with |r| <= pi/4, both functions of r by their Taylor polynomials, turned by
// k.
#include "ulpscope/reference/wide_circle.hpp"

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace ulpscope {

namespace {

// pi/2 = high + middle + low; high and middle have 33 bits, so that their products with |k| < 2^20
// are exact.
constexpr double high = 0x1.921fb544p+0;
constexpr double middle = 0x1.0b4611a6p-34;
constexpr double low = 0x1.3198a2e037073p-69;
constexpr double quarter_turns = 0x1.45f306dc9c883p-1;  // 2 / pi
constexpr double rounder = 0x1.8p52;                    // added and taken off: an integer
constexpr double largest = 0x1p20;

// r - r^3/3! + ... - r^19/19!: the next term is below 0.79^21 / 21! < 2^-72.
double sine_of(double r) {
  const double s = r * r;
  double q = -1.0 / 121645100408832000.0;
  for (const double factorial : {355687428096000.0, -1307674368000.0, 6227020800.0, -39916800.0,
                                 362880.0, -5040.0, 120.0, -6.0}) {
    q = q * s + 1.0 / factorial;
  }
  return r + r * s * q;
}

// 1 - r^2/2! + ... + r^20/20!
double cosine_of(double r) {
  const double s = r * r;
  double q = 1.0 / 2432902008176640000.0;
  for (const double factorial : {-6402373705728000.0, 20922789888000.0, -87178291200.0, 479001600.0,
                                 -3628800.0, 40320.0, -720.0, 24.0}) {
    q = q * s + 1.0 / factorial;
  }
  // 1 - s/2 is rounded once; what that loses is exact, and joins the rest.
  const double half = 0.5 * s;
  const double head = 1.0 - half;
  return head + (((1.0 - head) - half) + s * s * q);
}

}  // namespace

SineCosine wide_circle(double angle) {
  if (!(std::abs(angle) <= largest)) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan};
  }
  const double k = (angle * quarter_turns + rounder) - rounder;
  const double r = ((angle - k * high) - k * middle) - k * low;
  const double sine = sine_of(r);
  const double cosine = cosine_of(r);
  switch (static_cast<int64_t>(k) & 3) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
  }
}

}  // namespace ulpscope
