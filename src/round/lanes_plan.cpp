// Which kernel rounds, and its constants.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"

#include "lanes.hpp"

namespace ulpscope::detail {

namespace {

// What all kernels ask of a destination: lanes of 32 bits, exponents not below the input's, and
// none of the rarer switches.
bool has_lanes(const Format& from, const Format& to) {
  return (from == fp32 || from == fp64) && width(to) <= 32 && to.trailing_bits <= 28 &&
         to.sign == Sign::present && to.zero != Zero::none &&
         to.subnormals == Subnormals::present && emin(to) >= emin(from);
}

// A NaN of the result that depends on the operand's payload is the core's business.
bool has_one_nan(const Format& to, NanRule rule) {
  return rule != NanRule::propagate || !has_nan(to) || to.nan == Nan::minus_zero;
}

// 2^exponent, a normal binary64 number.
double power_of_two(int exponent) {
  return bit_cast<double>(static_cast<uint64_t>(exponent + fp64.bias) << fp64.trailing_bits);
}

// As round_pack has them; `direction` is its ByMode or ByDraw.
template <class Direction>
SpecialCodes special_codes(const Format& f, const Policy& policy, const Direction& direction) {
  const auto code = [](const Rounded& rounded) { return static_cast<uint32_t>(rounded.bits); };
  const auto above = [&](bool negative) {
    const Exact<uint64_t> large{.significand = 1, .kind = Kind::finite, .negative = negative};
    return code(unbounded<uint64_t>(f, large, policy, direction.leaves(f, negative)));
  };
  const auto infinity = [&](bool negative) {
    return code(pack_special<uint64_t>(f, exact_infinity<uint64_t>(negative), policy));
  };
  return {{above(false), above(true)},
          {infinity(false), infinity(true)},
          code(pack_special<uint64_t>(f, exact_nan<uint64_t>(), policy))};
}

GeneralPlan general_plan(const Format& from, const Format& to, const Policy& policy,
                         const SpecialCodes& special) {
  const auto largest = static_cast<uint32_t>(largest_finite_bits(to));
  const int shift = 30 - to.trailing_bits;
  // Where both have the same subnormals, those of that binade lack the hidden bit.
  const bool aligned = emin(from) == emin(to);
  return {.trailing_bits = to.trailing_bits,
          .shift = shift,
          .emin_field = static_cast<uint32_t>(emin(to) + from.bias),
          .highest_field = (largest >> to.trailing_bits) + 1,
          .largest = largest,
          .first_signed = to.zero == Zero::positive ? 1U : 0U,
          .sign_mask = static_cast<uint32_t>(sign_mask(to)),
          .subnormal_input = flushes_inputs(policy.flush) ? 0U : ~0U,
          .first_normal = flushes_outputs(policy.flush) ? 1U << to.trailing_bits : 0U,
          .unbounded_shift = aligned ? shift - 1 : shift,
          .special = special};
}

// Rounding up to infinity, or up to the NaN or the largest number in its place, has to come out as
// the next magnitude would, since that is what the sum leaves; and a tie has to find its even
// neighbour by the significand alone, which takes a trailing bit.
std::optional<MagicPlan> magic_plan(const Format& from, const Format& to,
                                    const SpecialCodes& special) {
  const int dropped = from.trailing_bits - to.trailing_bits;
  const int emax = static_cast<int>(largest_finite_bits(to) >> to.trailing_bits) - to.bias;
  const bool inside = emax + 1 + dropped <= from.bias && emin(to) - to.trailing_bits > emin(from);
  // The rounded significand, up to 2^(trailing bits + 1), stays below the exponent field that is
  // shifted onto it; binary64 numbers are taken apart into halves of 32 bits.
  const bool apart = from == fp32 ? to.trailing_bits + 1 < dropped : to.trailing_bits <= 20;
  if (to.trailing_bits < 1 || !inside || !apart) return std::nullopt;

  const auto largest = static_cast<uint32_t>(largest_finite_bits(to));
  const auto sign = static_cast<uint32_t>(sign_mask(to));
  const bool saturates = special.above.plus == largest;
  const uint32_t cap = saturates ? largest : largest + 1;
  const bool signed_cap = special.above == BySign{cap, cap | sign};
  const bool unsigned_cap = special.above == BySign{cap, cap};
  if (!(special.above == special.infinity) || !(signed_cap || unsigned_cap)) return std::nullopt;
  // One comparison says which magnitudes go without a sign: zero alone, or what is above.
  const bool signs_zero = to.zero == Zero::both;
  if (!signed_cap && !signs_zero) return std::nullopt;

  const int half_width = from == fp32 ? 0 : 32;
  const uint32_t offset = static_cast<uint32_t>(emin(to) + from.bias + dropped) << to.trailing_bits;
  constexpr uint32_t largest_int16 = 0x7FFF;
  return MagicPlan{.trailing_bits = to.trailing_bits,
                   .smallest_normal = power_of_two(emin(to)),
                   .scale = power_of_two(dropped),
                   .kept_mask = (1U << (to.trailing_bits + 2)) - 1,
                   .shift = dropped - half_width,
                   .offset = offset,
                   .cap = cap,
                   .last_signed = signed_cap ? cap : largest,
                   .signs_zero = signs_zero,
                   .width = width(to),
                   .nan = special.nan,
                   .nan_is_cap = unsigned_cap && special.nan == cap,
                   .fits_bytes = width(to) <= 8 && offset + cap < largest_int16};
}

// The code is the upper part of the input's own bits, rounded: same exponents, infinity and NaN.
std::optional<AlignedPlan> aligned_plan(const Format& from, const Format& to,
                                        const SpecialCodes& special) {
  Format wider = to;
  wider.trailing_bits = from.trailing_bits;
  const auto infinity = static_cast<uint32_t>(infinity_bits(to));
  const auto sign = static_cast<uint32_t>(sign_mask(to));
  const BySign infinities{infinity, infinity | sign};
  if (from != fp32 || wider != from || to.trailing_bits >= from.trailing_bits ||
      !(special.above == infinities) || !(special.infinity == infinities)) {
    return std::nullopt;
  }
  return AlignedPlan{from.trailing_bits - to.trailing_bits, special.nan};
}

}  // namespace

std::optional<Plan> plan_for(const Format& from, const Format& to, const Rounding& rounding) {
  if (!has_lanes(from, to) || !has_one_nan(to, rounding.policy.nan)) return std::nullopt;
  const auto special = special_codes(to, rounding.policy, ByMode{rounding.mode});
  if (rounding.mode == Mode::nearest_even && rounding.policy.flush == Flush::none) {
    if (const auto plan = aligned_plan(from, to, special)) return *plan;
    if (const auto plan = magic_plan(from, to, special)) return *plan;
  }
  return DirectedPlan{rounding.mode, general_plan(from, to, rounding.policy, special)};
}

std::optional<DrawnPlan> plan_for(const Format& from, const Format& to,
                                  const Stochastic& rounding) {
  if (!has_lanes(from, to) || !has_one_nan(to, rounding.policy.nan)) return std::nullopt;
  if (rounding.variant != Variant::a && rounding.variant != Variant::b) return std::nullopt;
  // The bits that a draw is compared with, all of them among the 31 that a lane holds; of a
  // binary64 number the last of these is only known to stand for more.
  const bool half = rounding.variant == Variant::b;
  const int compared = rounding.bits + (half ? 1 : 0);
  const int held = from == fp32 ? 30 : 29 - to.trailing_bits;
  const int spare = flushes_outputs(rounding.policy.flush) ? 1 : 0;  // of unbounded_shift
  if (compared > held - spare) return std::nullopt;
  const auto special = special_codes(to, rounding.policy, ByDraw{rounding, 0});
  return DrawnPlan{rounding.bits, half ? 1U << (31 - rounding.bits) : 0U,
                   general_plan(from, to, rounding.policy, special)};
}

std::optional<DecodePlan> decode_plan_for(const Format& format, const Format& to) {
  const bool lanes = width(format) <= 32 && format.sign == Sign::present &&
                     format.zero != Zero::none && format.subnormals == Subnormals::present;
  if (!lanes || !is_subset(format, to) || emin(format) < emin(to)) return std::nullopt;
  const int shift = to.trailing_bits - format.trailing_bits;
  const bool aligned = emin(format) == emin(to);
  return DecodePlan{
      .shift = shift,
      .trailing_bits = format.trailing_bits,
      .width = width(format),
      .rebias = static_cast<uint64_t>(to.bias - format.bias) << to.trailing_bits,
      .smallest_normal =
          aligned ? 0 : static_cast<uint64_t>(emin(format) + to.bias) << to.trailing_bits,
      .largest = static_cast<uint32_t>(largest_finite_bits(format)),
      .infinity = has_infinity(format) ? static_cast<uint32_t>(infinity_bits(format)) : ~0U,
      .negative_nan =
          format.nan == Nan::minus_zero ? static_cast<uint32_t>(sign_mask(format)) : ~0U};
}

}  // namespace ulpscope::detail
