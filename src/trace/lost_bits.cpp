#include "ulpscope/trace/lost_bits.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

// (-1)^negative x (units + s) x 2^exponent, s a sticky end.
Exact<Uint256> from_units(uint128 units, bool sticky, bool negative, int exponent) {
  if (units == 0 && !sticky) return exact_zero<Uint256>(negative);
  // A significand is never 0: one more bit for an end that is all there is.
  if (units == 0) return from_units(1, true, negative, exponent - 1);
  return {.significand = Uint256{units},
          .exponent = exponent,
          .kind = Kind::finite,
          .negative = negative,
          .sticky = sticky};
}

// |result| in units of 2^exponent, which is not above its lowest bit.
uint128 units_of(const Exact<uint64_t>& result, int exponent) {
  if (result.kind == Kind::zero) return 0;
  const int up = result.exponent - exponent;
  return up >= 0 ? uint128{result.significand} << up : uint128{result.significand >> -up};
}

int quantum(const Format& format, int binade) {
  return std::max(binade, emin(format)) - format.trailing_bits;
}

Exact<Uint256> before_rounding(const Format& format, const Exact<uint64_t>& result,
                               const Record& record) {
  const bool carried = has(record.flags, Flag::round_carry);
  const int binade =
      result.kind == Kind::zero ? emin(format) : exponent_of(result) - (carried ? 1 : 0);
  const int unit = quantum(format, binade) - 32;
  const auto rounded = static_cast<int128>(units_of(result, unit));
  const int128 outward = record.negative ? -record.residue : record.residue;
  const bool sticky = has(record.flags, Flag::residue_truncated);
  const bool went_away = has(record.flags, Flag::away);
  const int128 magnitude = rounded - outward - (sticky && went_away ? 1 : 0);
  return from_units(static_cast<uint128>(magnitude), sticky, record.negative, unit);
}

// The error's ulp is that of the larger of result and exact value, of which only the first is
// known: that of the result, or the one above where the value turns out to lie there.
std::optional<Exact<Uint256>> before_judging(const Format& format, const Exact<uint64_t>& result,
                                             const Record& record) {
  if (result.kind == Kind::zero) {
    if (record.residue == 0) return exact_zero<Uint256>(record.negative);
    return std::nullopt;
  }
  const int least = std::max(exponent_of(result), emin(format));
  for (int top = least; top <= least + 1; ++top) {
    const int unit = top - format.trailing_bits - 32;
    const auto magnitude = static_cast<int128>(units_of(result, unit));
    const int128 exact = (result.negative ? -magnitude : magnitude) - record.residue;
    const auto before =
        from_units(static_cast<uint128>(exact < 0 ? -exact : exact), false, exact < 0, unit);
    const int reached = before.kind == Kind::zero ? least : exponent_of(before);
    if (reached == top || (top == least && reached < top)) return before;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LostBits> lost_bits(const Record& record) {
  if (!has_error(record) || has(record.flags, Flag::judged)) return std::nullopt;
  const bool truncated = has(record.flags, Flag::residue_truncated);
  const int64_t magnitude = record.residue < 0 ? -record.residue : record.residue;
  int64_t discarded = magnitude;
  if (has(record.flags, Flag::away)) {
    discarded = residue_one_ulp - magnitude - (truncated ? 1 : 0);
  }
  constexpr int64_t half = residue_one_ulp / 2;
  return LostBits{.guard = discarded >= half, .rest = discarded % half != 0 || truncated};
}

std::optional<Exact<Uint256>> exact_before(const Format& format, uint32_t value,
                                           const Record& record) {
  const auto result = decode<uint64_t>(fp32, value);
  if (!has_error(record) || result.kind == Kind::nan || result.kind == Kind::infinity) {
    return std::nullopt;
  }
  if (has(record.flags, Flag::judged)) return before_judging(format, result, record);
  return before_rounding(format, result, record);
}

}  // namespace ulpscope
