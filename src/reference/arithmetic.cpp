// From an exact number to a code, by the conventions of the header.
#include "ulpscope/reference/arithmetic.hpp"

#include <limits>

#include "place.hpp"

namespace ulpscope {

namespace {

// ---- Directions: whether the upper neighbour of a number strictly between two rungs is taken
// -----

struct ByMode {
  Mode mode;

  bool takes_upper(const Steps& above, bool lower_is_odd, bool negative) const {
    switch (mode) {
      case Mode::nearest_even: return above.half() > 0 || (above.half() == 0 && lower_is_odd);
      case Mode::nearest_away: return above.half() >= 0;
      case Mode::nearest_zero: return above.half() > 0;
      case Mode::toward_zero: return false;
      case Mode::up: return !negative;
      case Mode::down: return negative;
      case Mode::away: return true;
      case Mode::to_odd: return !lower_is_odd;
    }
    return false;
  }

  // Whether an overflow gives infinity by the standard policy.
  bool gives_infinity(const Format& f, bool negative) const {
    switch (mode) {
      case Mode::nearest_even:
      case Mode::nearest_away:
      case Mode::nearest_zero:
      case Mode::away: return true;
      case Mode::toward_zero: return false;
      case Mode::up: return !negative;
      case Mode::down: return negative;
      case Mode::to_odd: return f.infinity == Infinity::present && top_rung<uint128>(f) % 2 == 0;
    }
    return false;
  }
};

struct ByDraw {
  Stochastic rounding;
  uint64_t draw;

  bool takes_upper(const Steps& above, bool /*lower_is_odd*/, bool /*negative*/) const {
    const int n = rounding.bits;
    // 1 - R / 2^N is `wanted` units of 2^-N.
    const Integer wanted = (Integer(1) << static_cast<unsigned>(n)) - draw;
    switch (rounding.variant) {
      case Variant::a: return above.compare(wanted, n) >= 0;
      case Variant::b: return above.compare(2 * wanted - 1, n + 1) >= 0;
      case Variant::c: {
        // From half a unit below an even multiple on, from above that below an odd one.
        const int order = above.compare(2 * wanted - 1, n + 1);
        return order > 0 || (order == 0 && wanted % 2 == 0);
      }
      case Variant::exact: return above.compare(wanted - 1, n) > 0;
    }
    return false;
  }
  bool gives_infinity(const Format& /*f*/, bool /*negative*/) const { return true; }
};

// ---- What has no number ------------------------------------------------------------------------

bool saturates(const Policy& policy) {
  return policy.overflow == Overflow::saturate || policy.overflow == Overflow::saturate_finite;
}

bool refuses(const Format& to, bool negative) { return negative && to.sign == Sign::absent; }

ReferenceResult without_residue(uint128 bits, Flag flags, bool negative = false) {
  constexpr int64_t end = std::numeric_limits<int64_t>::max();
  return {bits, negative ? -end : end, flags | Flag::residue_saturated};
}

uint128 largest(const Format& to, bool negative) {
  return sign_code<uint128>(to, negative) + top_rung<uint128>(to);
}

ReferenceResult negative_refused(const Format& to, Flag flags, const Policy& policy) {
  const bool clamps = to.zero == Zero::none ? saturates(policy) : policy.overflow != Overflow::nan;
  return without_residue(clamps ? 0 : nan_code<uint128>(to), flags | Flag::invalid | Flag::inexact);
}

uint128 handed_on(const Format& to, const ExactNumber& x) {
  const uint128 sign = sign_code<uint128>(to, x.negative);
  if (to.nan != Nan::ieee) return sign + nan_code<uint128>(to);
  const int longer = to.trailing_bits - x.payload_bits;
  const uint64_t payload = longer >= 0 ? x.payload << longer : x.payload >> -longer;
  const bool quiet = payload >= quiet_part(to);
  return sign + top_rung<uint128>(to) + 1 + payload + (quiet ? 0 : quiet_part(to));
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
                           bool cancelled_is_negative) {
  if (to.zero == Zero::none) {
    return without_residue(saturates(policy) ? 0 : nan_code<uint128>(to),
                           x.flags | Flag::invalid | Flag::inexact);
  }
  const bool negative = x.cancelled ? cancelled_is_negative : x.negative;
  return {number_code<uint128>(to, negative, 0), 0, x.flags};
}

// ---- Numbers
// -------------------------------------------------------------------------------------

constexpr int64_t one_step = int64_t{1} << 32;

// A number below a ladder without zero.
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

// Zero in place of a subnormal: the residue is the whole number.
ReferenceResult flushed(const Format& to, const ExactNumber& x, const Place& place) {
  const uint128 zero = number_code<uint128>(to, x.negative, uint128{0});
  Flag flags = x.flags | Flag::inexact | Flag::underflow | Flag::underflow_after;
  if (place.units_truncated) flags |= Flag::residue_truncated;
  if (place.lower >= uint128{1} << 31) return without_residue(zero, flags, !x.negative);
  const int64_t size = static_cast<int64_t>(place.lower) * one_step + place.units;
  return {zero, x.negative ? size : -size, flags};
}

// Whether a number below the normal ones stays there with exponents unbounded.
template <class Direction>
bool stays_tiny(const Format& to, const ExactNumber& x, const Place& place,
                const Direction& direction) {
  if (!place.tiny || !place.last_fine_step) return place.tiny;
  // The rung that begins the last finer step is all ones; with one bit it is below the code 1, and
  // as even as 0.
  const bool odd = to.trailing_bits > 0;
  return !direction.takes_upper(*place.last_fine_step, odd, x.negative);
}

Flag flags_of_inexact(const Format& to, const Place& place, bool upper) {
  Flag flags = Flag::inexact;
  if (place.above.half() == 0) flags |= Flag::tie;
  if (place.above.near_half()) flags |= Flag::broken_tie;
  if (place.units_truncated) flags |= Flag::residue_truncated;
  if (place.tiny) flags |= Flag::underflow;
  if (upper) flags |= Flag::away;
  const bool from_zero = place.lower == 0 && to.zero != Zero::none;
  const bool new_field = place.upper % (uint128{1} << to.trailing_bits) == 0;
  if (upper && new_field && !from_zero) flags |= Flag::round_carry;
  return flags;
}

template <class Direction>
ReferenceResult round_number(const Format& to, const ExactNumber& x, const Place& place,
                             const Policy& policy, const Direction& direction) {
  const bool exact = place.above.exact();
  const bool upper = !exact && direction.takes_upper(place.above, place.lower % 2 == 1, x.negative);
  const uint128 taken = upper ? place.upper : place.lower;
  if (taken > top_rung<uint128>(to)) {
    return overflowed(to, x, policy, direction.gives_infinity(to, x.negative));
  }
  const bool zero = taken == 0 && to.zero != Zero::none;
  if (!zero && refuses(to, x.negative)) return negative_refused(to, x.flags, policy);
  const bool still_tiny = stays_tiny(to, x, place, direction);
  const bool flushes = policy.flush == Flush::outputs || policy.flush == Flush::both;
  if (still_tiny && flushes) return flushed(to, x, place);
  Flag flags = x.flags;
  if (!zero && taken < first_normal_rung<uint128>(to)) flags |= Flag::subnormal;
  if (!exact) flags |= flags_of_inexact(to, place, upper);
  if (!exact && still_tiny) flags |= Flag::underflow_after;
  // Cut toward zero: what the units leave out belongs to the distance from the lower rung.
  const int64_t below = one_step - place.units - (place.units_truncated ? 1 : 0);
  const int64_t residue = upper ? below : -place.units;
  return {number_code<uint128>(to, x.negative, taken), x.negative ? -residue : residue, flags};
}

// An exact result and its place, found once for all roundings of it.
class Problem {
 public:
  Problem(const ReferenceCase& problem, Flush flush)
      : to_(problem.to), x_(exact_result(problem, flush)) {
    if (x_.kind != CodeKind::number || is_zero(x_)) return;
    below_ladder_ = to_.zero == Zero::none && binade_of(x_) < lowest_binade(to_);
    if (!below_ladder_) place_ = place_on_ladder(to_, x_);
  }

  template <class Direction>
  ReferenceResult rounded(const Policy& policy, const Direction& direction,
                          bool cancelled_is_negative) const {
    switch (x_.kind) {
      case CodeKind::nan: return round_nan(to_, x_, policy);
      case CodeKind::infinity: return round_infinity(to_, x_, policy);
      case CodeKind::number: break;
    }
    if (place_) return round_number(to_, x_, *place_, policy, direction);
    return below_ladder_ ? raised_to_smallest(to_, x_, policy)
                         : round_zero(to_, x_, policy, cancelled_is_negative);
  }

 private:
  Format to_;
  ExactNumber x_;
  bool below_ladder_ = false;
  std::optional<Place> place_;
};

// Whether operands are read with flushing decides what the exact result is.
class Problems {
 public:
  explicit Problems(const ReferenceCase& problem) : problem_(problem) {}

  const Problem& with(Flush flush) {
    const bool inputs = flush == Flush::inputs || flush == Flush::both;
    auto& slot = inputs ? flushed_ : plain_;
    if (!slot) slot.emplace(problem_, inputs ? Flush::inputs : Flush::none);
    return *slot;
  }

 private:
  const ReferenceCase& problem_;
  std::optional<Problem> plain_;
  std::optional<Problem> flushed_;
};

}  // namespace

void reference_results(const ReferenceCase& problem, std::span<const Rounding> roundings,
                       std::span<ReferenceResult> results) {
  Problems problems(problem);
  for (size_t i = 0; i < roundings.size(); ++i) {
    const Rounding& r = roundings[i];
    results[i] =
        problems.with(r.policy.flush).rounded(r.policy, ByMode{r.mode}, r.mode == Mode::down);
  }
}

void reference_results(const ReferenceCase& problem, const Stochastic& rounding,
                       std::span<const uint64_t> draws, std::span<ReferenceResult> results) {
  const Problem exact(problem, rounding.policy.flush);
  for (size_t i = 0; i < draws.size(); ++i) {
    results[i] = exact.rounded(rounding.policy, ByDraw{rounding, draws[i]}, false);
  }
}

ReferenceResult reference_result(const ReferenceCase& problem, const Rounding& rounding) {
  ReferenceResult result;
  reference_results(problem, {&rounding, 1}, {&result, 1});
  return result;
}

ReferenceResult reference_result(const ReferenceCase& problem, const Stochastic& rounding,
                                 uint64_t draw) {
  ReferenceResult result;
  reference_results(problem, rounding, {&draw, 1}, {&result, 1});
  return result;
}

ReferenceResult reference_operation(const Format& format, Operation operation, uint128 a, uint128 b,
                                    uint128 c, const Rounding& rounding) {
  return reference_result({format, operation, {{{format, a}, {format, b}, {format, c}}}}, rounding);
}

ReferenceResult reference_convert(const Format& from, uint128 bits, const Format& to,
                                  const Rounding& rounding) {
  return reference_result({to, std::nullopt, {{{from, bits}, {}, {}}}}, rounding);
}

}  // namespace ulpscope
