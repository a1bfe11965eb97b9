#include "ulpscope/scaling/scaling_errors.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/round/value.hpp"

#include <cmath>
#include <limits>

namespace ulpscope {

namespace {

void add_square(WideSum& sum, const Exact<uint64_t>& x) {
  sum.add(x.significand * x.significand, 2 * x.exponent, false);
}

double to_double(const WideSum& sum) {
  const auto leading = sum.leading();
  if (leading.magnitude == 0) return 0;
  const Exact<uint128> exact{.significand = leading.magnitude,
                             .exponent = leading.exponent,
                             .kind = Kind::finite,
                             .negative = leading.negative,
                             .sticky = leading.sticky};
  return bit_cast<double>(round_pack(fp64, exact, nearest_even).bits);
}

bool is_special(Float32 x) { return !is_finite(fp32, x.bits()); }

}  // namespace

void ScalingErrors::add(Float32 input, Float32 decoded) {
  ++count;
  if (is_special(input) || is_special(decoded)) {
    ++skipped;
    return;
  }
  const auto x = exact_value(input);
  if (x.kind == Kind::finite) {
    add_square(signal, x);
    lost += decoded == Float32(0.0);
  }
  const Float32 error = decoded - input;
  const auto e = exact_value(error);
  if (e.kind != Kind::finite) {
    unchanged += e.kind == Kind::zero;
    return;
  }
  sum.add(e.significand, e.exponent, e.negative);
  add_square(noise, e);
  const uint32_t magnitude = abs(error).bits();
  if (magnitude > largest) largest = magnitude;
}

void ScalingErrors::merge(const ScalingErrors& other) {
  count += other.count;
  skipped += other.skipped;
  unchanged += other.unchanged;
  saturated += other.saturated;
  lost += other.lost;
  if (other.largest > largest) largest = other.largest;
  sum.add(other.sum);
  noise.add(other.noise);
  signal.add(other.signal);
}

double ScalingErrors::max_error() const { return double_value(fp32, largest); }

double ScalingErrors::mean() const {
  const HostFpGuard guard;
  const uint64_t n = count - skipped;
  return n == 0 ? 0 : to_double(sum) / static_cast<double>(n);
}

double ScalingErrors::sqnr_decibels() const {
  const HostFpGuard guard;
  const double power = to_double(signal);
  const double error = to_double(noise);
  if (!(power > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (!(error > 0)) return std::numeric_limits<double>::infinity();
  return 10 * (std::log10(power) - std::log10(error));
}

}  // namespace ulpscope
