// From an exact number to a code, by the conventions of the header: the two neighbours are made
// once, a direction chooses between them, and a policy has the last word.
#include "ulpscope/reference/arithmetic.hpp"

#include "special_results.hpp"

namespace ulpscope {

namespace {

// ---- Directions: is the upper neighbour taken of a number strictly between two rungs?
// ------------

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

// ---- Neighbours
// ----------------------------------------------------------------------------------

Flag flags_of_inexact(const Format& to, const Place& place, bool upper) {
  Flag flags = Flag::inexact;
  if (place.above.half() == 0) flags |= Flag::tie;
  if (place.above.near_half()) flags |= Flag::broken_tie;
  if (place.units_truncated) flags |= Flag::residue_truncated;
  if (place.tiny) flags |= Flag::underflow;
  if (upper) flags |= Flag::away;
  const bool from_zero = place.lower == 0 && to.zero != Zero::none;
  const bool new_field = (place.upper & ((uint128{1} << to.trailing_bits) - 1)) == 0;
  if (upper && new_field && !from_zero) flags |= Flag::round_carry;
  return flags;
}

enum class Delivery { as_is, overflows, refused };

// What choosing a rung gives; whether a tiny result stays tiny is for the direction to say.
struct Neighbour {
  Delivery delivery;
  ReferenceResult result;
};

Neighbour neighbour(const Format& to, const ExactNumber& x, const Place& place, bool upper) {
  const uint128 taken = upper ? place.upper : place.lower;
  if (taken > top_rung<uint128>(to)) return {Delivery::overflows, {}};
  const bool zero = taken == 0 && to.zero != Zero::none;
  if (!zero && refuses(to, x.negative)) return {Delivery::refused, {}};
  Flag flags = x.flags;
  if (!zero && taken < first_normal_rung<uint128>(to)) flags |= Flag::subnormal;
  if (!place.above.exact()) flags |= flags_of_inexact(to, place, upper);
  // Cut toward zero: what the units leave out belongs to the distance from the lower rung.
  const int64_t below = (int64_t{1} << 32) - place.units - (place.units_truncated ? 1 : 0);
  const int64_t residue = upper ? below : -place.units;
  return {Delivery::as_is,
          {number_code<uint128>(to, x.negative, taken), x.negative ? -residue : residue, flags}};
}

// A number that is not zero, between its neighbours.
class Between {
 public:
  Between(const Format& to, const ExactNumber& x)
      : place_(place_on_ladder(to, x)),
        lower_(neighbour(to, x, place_, false)),
        upper_(neighbour(to, x, place_, true)),
        lower_is_odd_((place_.lower & 1) != 0) {}

  template <class Direction>
  ReferenceResult rounded(const Format& to, const ExactNumber& x, const Policy& policy,
                          const Direction& direction) const {
    const bool exact = place_.above.exact();
    const bool upper = !exact && direction.takes_upper(place_.above, lower_is_odd_, x.negative);
    const Neighbour& taken = upper ? upper_ : lower_;
    switch (taken.delivery) {
      case Delivery::as_is: break;
      case Delivery::overflows:
        return overflowed(to, x, policy, direction.gives_infinity(to, x.negative));
      case Delivery::refused: return negative_refused(to, x.flags, policy);
    }
    if (!place_.tiny || !stays_tiny(to, x, direction)) return taken.result;
    if (policy.flush == Flush::outputs || policy.flush == Flush::both) {
      return flushed(to, x, place_);
    }
    ReferenceResult result = taken.result;
    if (!exact) result.flags |= Flag::underflow_after;
    return result;
  }

 private:
  // Whether a number below the normal ones stays there with exponents unbounded.
  template <class Direction>
  bool stays_tiny(const Format& to, const ExactNumber& x, const Direction& direction) const {
    if (!place_.last_fine_step) return true;
    // The rung that begins the last finer step is all ones; with one bit it is below the code 1,
    // and as even as 0.
    const bool odd = to.trailing_bits > 0;
    return !direction.takes_upper(*place_.last_fine_step, odd, x.negative);
  }

  Place place_;
  Neighbour lower_;
  Neighbour upper_;
  bool lower_is_odd_;
};

// An exact result with all that its roundings share.
class Problem {
 public:
  Problem(const ReferenceCase& problem, Flush flush)
      : to_(problem.to), x_(exact_result(problem, flush)) {
    if (x_.kind != CodeKind::number || is_zero(x_)) return;
    below_ladder_ = to_.zero == Zero::none && binade_of(x_) < lowest_binade(to_);
    if (!below_ladder_) between_.emplace(to_, x_);
  }

  template <class Direction>
  ReferenceResult rounded(const Policy& policy, const Direction& direction,
                          bool rounds_down) const {
    if (between_) return between_->rounded(to_, x_, policy, direction);
    if (below_ladder_) return raised_to_smallest(to_, x_, policy);
    switch (x_.kind) {
      case CodeKind::nan: return round_nan(to_, x_, policy);
      case CodeKind::infinity: return round_infinity(to_, x_, policy);
      case CodeKind::number: break;
    }
    return round_zero(to_, x_, policy, rounds_down);
  }

 private:
  Format to_;
  ExactNumber x_;
  bool below_ladder_ = false;
  std::optional<Between> between_;
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
