// exp: x = k ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor polynomial, 2^k in two factors.
// log: x = 2^k m with m around 1, ln m by the series of atanh.
// tanh: (1 - e) / (1 + e) with e = exp(-2|x|); near zero from e^r - 1, which does not cancel.
#include "ulpscope/reference/wide_exp.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <cmath>
#include <utility>

#include "every_machine.hpp"

namespace ulpscope {

namespace {

// ln 2 in two parts; the high one has 32 bits, so that its product with |k| < 2^11 is exact.
constexpr double ln2_high = 0x1.62e42feep-1;
constexpr double ln2_low = 0x1.a39ef35793c76p-33;
constexpr double log2_e = 0x1.71547652b82fep+0;

// Adding this rounds a double below 2^51 to an integer, which then sits in the lowest bits.
constexpr double rounder = 0x1.8p52;

// 1/n!, correctly rounded since n! is exact. Up to 13: the first term left out is below
// 0.35^14 / 14! < 2^-57.
constexpr double inverse_factorial[] = {1.0,
                                        1.0,
                                        1.0 / 2,
                                        1.0 / 6,
                                        1.0 / 24,
                                        1.0 / 120,
                                        1.0 / 720,
                                        1.0 / 5040,
                                        1.0 / 40320,
                                        1.0 / 362880,
                                        1.0 / 3628800,
                                        1.0 / 39916800,
                                        1.0 / 479001600,
                                        1.0 / 6227020800};

// (e^r - 1 - r) / r^2, by Horner's rule without a loop: gcc vectorises only straight lines.
template <size_t... n>
inline double exp_tail(double r, std::index_sequence<n...>) {
  double q = inverse_factorial[13];
  ((q = q * r + inverse_factorial[12 - n]), ...);
  return q;
}

// Beyond these ends the answer is infinity or zero anyway; a NaN passes both comparisons.
inline double clamped(double x) {
  const double above = x < -746.0 ? -746.0 : x;
  return above > 710.0 ? 710.0 : above;
}

inline double exp_of_clamped(double x) {
  const double shifted = x * log2_e + rounder;
  const double k = shifted - rounder;
  const double r = (x - k * ln2_high) - k * ln2_low;  // the first difference is exact
  const double e_r = 1.0 + (r + r * r * exp_tail(r, std::make_index_sequence<11>{}));
  // 2^k leaves the normal range by up to 54 binades, so it is split into 2^a 2^b, a = floor(k/2).
  // Only the last product can round, and only where the result is subnormal.
  const uint64_t biased = bit_cast<uint64_t>(shifted) - bit_cast<uint64_t>(rounder) + 2048;
  const uint64_t a = biased >> 1;  // floor(k/2) + 1024
  const uint64_t b = biased - a;   // k - floor(k/2) + 1024
  return e_r * bit_cast<double>((a - 1) << 52) * bit_cast<double>((b - 1) << 52);
}

}  // namespace

double wide_exp(double x) { return exp_of_clamped(clamped(x)); }

namespace {

ULPSCOPE_FOR_EVERY_MACHINE
void exp_of_all(const double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(x[i]);
  for (int64_t i = 0; i < n; ++i) y[i] = exp_of_clamped(y[i]);
}

}  // namespace

void wide_exp(const double* x, double* y, int64_t n) {
  const HostFpGuard guard;
  exp_of_all(x, y, n);
}

double wide_log(double x) {
  constexpr double smallest_normal = 0x1p-1022;
  constexpr double largest = 0x1.fffffffffffffp1023;
  if (x > largest) return x;
  if (!(x >= smallest_normal)) return bit_cast<double>(uint64_t{0x7FF8} << 48);
  // m in [sqrt(1/2), sqrt(2)): subtracting the code of sqrt(1/2) carries exactly when m is above.
  constexpr uint64_t code_of_one = uint64_t{0x3FF} << 52;
  const uint64_t root_half = bit_cast<uint64_t>(0x1.6a09e667f3bcdp-1);
  const uint64_t bits = bit_cast<uint64_t>(x);
  const uint64_t lifted = bits + (code_of_one - root_half);
  const double k = static_cast<double>(lifted >> 52) - 1023.0;
  const double m = bit_cast<double>(bits - ((lifted >> 52) << 52) + code_of_one);
  const double t = (m - 1.0) / (m + 1.0);  // |t| < 0.1716; the numerator is exact
  const double t2 = t * t;
  // ln m = 2 t (1 + t^2/3 + t^4/5 + ...); the first term left out is below 2^-60.
  double series = 1.0 / 23;
  for (int n = 21; n >= 3; n -= 2) series = series * t2 + 1.0 / n;
  const double log_m = 2.0 * t + 2.0 * t * (t2 * series);
  return k * ln2_high + (log_m + k * ln2_low);
}

double wide_tanh(double x) {
  const double r = 2.0 * std::abs(x);
  const auto ratio = [&] {
    if (r <= 0.34) {  // where the polynomial of exp needs no reduction
      const double e_r_less_1 = r + r * r * exp_tail(r, std::make_index_sequence<11>{});
      return e_r_less_1 / (e_r_less_1 + 2.0);
    }
    const double e = wide_exp(-r);
    return (1.0 - e) / (1.0 + e);
  };
  return std::copysign(ratio(), x);
}

double wide_tanh_slope(double x) {
  const double e = wide_exp(-2.0 * std::abs(x));
  return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

}  // namespace ulpscope
