#include "special_results.hpp"

#include <limits>

namespace ulpscope {

namespace {

bool saturates(const Policy& policy) {
  return policy.overflow == Overflow::saturate || policy.overflow == Overflow::saturate_finite;
}

ReferenceResult without_residue(uint128 bits, Flag flags, bool negative = false) {
  constexpr int64_t end = std::numeric_limits<int64_t>::max();
  return {bits, negative ? -end : end, flags | Flag::residue_saturated};
}

uint128 largest(const Format& to, bool negative) {
  return sign_code<uint128>(to, negative) + top_rung<uint128>(to);
}

uint128 handed_on(const Format& to, const ExactNumber& x) {
  const uint128 sign = sign_code<uint128>(to, x.negative);
  if (to.nan != Nan::ieee) return sign + nan_code<uint128>(to);
  const int longer = to.trailing_bits - x.payload_bits;
  const uint64_t payload = longer >= 0 ? x.payload << longer : x.payload >> -longer;
  const bool quiet = payload >= quiet_part(to);
  return sign + top_rung<uint128>(to) + 1 + payload + (quiet ? 0 : quiet_part(to));
}

}  // namespace

ReferenceResult negative_refused(const Format& to, Flag flags, const Policy& policy) {
  const bool clamps = to.zero == Zero::none ? saturates(policy) : policy.overflow != Overflow::nan;
  return without_residue(clamps ? 0 : nan_code<uint128>(to), flags | Flag::invalid | Flag::inexact);
}

ReferenceResult round_nan(const Format& to, const ExactNumber& x, const Policy& policy) {
  const auto bits = [&]() -> uint128 {
    const bool only_one = !spells_nan(to) || to.nan == Nan::minus_zero;
    if (only_one) return nan_code<uint128>(to);
    switch (policy.nan) {
      case NanRule::canonical: return nan_code<uint128>(to);
      case NanRule::propagate: return handed_on(to, x);
      case NanRule::all_ones: return magnitude_count<uint128>(to) - 1;
    }
    return 0;
  };
  return without_residue(bits(), x.flags | (spells_nan(to) ? Flag::none : Flag::invalid));
}

ReferenceResult round_infinity(const Format& to, const ExactNumber& x, const Policy& policy) {
  if (refuses(to, x.negative)) return negative_refused(to, x.flags, policy);
  if (to.infinity == Infinity::present && policy.overflow != Overflow::saturate) {
    return without_residue(beyond_code<uint128>(to, x.negative), x.flags, x.negative);
  }
  return without_residue(
      saturates(policy) ? largest(to, x.negative) : beyond_code<uint128>(to, x.negative),
      x.flags | Flag::overflow | Flag::inexact, x.negative);
}

ReferenceResult round_zero(const Format& to, const ExactNumber& x, const Policy& policy,
                           bool rounds_down) {
  if (to.zero == Zero::none) {
    return without_residue(saturates(policy) ? 0 : nan_code<uint128>(to),
                           x.flags | Flag::invalid | Flag::inexact);
  }
  const bool negative = x.cancelled ? rounds_down : x.negative;
  return {number_code<uint128>(to, negative, 0), 0, x.flags};
}

ReferenceResult raised_to_smallest(const Format& to, const ExactNumber& x, const Policy& policy) {
  if (refuses(to, x.negative)) return negative_refused(to, x.flags, policy);
  return without_residue(
      sign_code<uint128>(to, x.negative),
      x.flags | Flag::inexact | Flag::underflow | Flag::underflow_after | Flag::away, x.negative);
}

ReferenceResult overflowed(const Format& to, const ExactNumber& x, const Policy& policy,
                           bool gives_infinity) {
  if (refuses(to, x.negative)) return negative_refused(to, x.flags, policy);
  const auto bits = [&]() -> uint128 {
    const uint128 end = largest(to, x.negative);
    switch (policy.overflow) {
      case Overflow::standard: return gives_infinity ? beyond_code<uint128>(to, x.negative) : end;
      case Overflow::infinity: return beyond_code<uint128>(to, x.negative);
      case Overflow::nan: return spells_nan(to) ? nan_code<uint128>(to) : end;
      case Overflow::saturate_finite:
      case Overflow::saturate: return end;
    }
    return end;
  };
  return without_residue(bits(), x.flags | Flag::overflow | Flag::inexact, x.negative);
}

ReferenceResult flushed(const Format& to, const ExactNumber& x, const Place& place) {
  const uint128 zero = number_code<uint128>(to, x.negative, uint128{0});
  Flag flags = x.flags | Flag::inexact | Flag::underflow | Flag::underflow_after;
  if (place.units_truncated) flags |= Flag::residue_truncated;
  if (place.lower >= uint128{1} << 31) return without_residue(zero, flags, !x.negative);
  const int64_t size = static_cast<int64_t>(place.lower) * (int64_t{1} << 32) + place.units;
  return {zero, x.negative ? size : -size, flags};
}

}  // namespace ulpscope
