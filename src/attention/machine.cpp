#include "ulpscope/attention/machine.hpp"

#include "ulpscope/arith/multiply.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

// The lanes of a chain with the number of terms a compile-time constant.
template <int terms, Carries carries>
LaneAccumulator lanes(const FusedSum& sum, int product_fraction, const LaneAccumulator& c,
                      LaneRow a, LaneRow b, int64_t length) {
  const auto whole = static_cast<int>((length + terms - 1) / terms * terms);
  return fused_lanes<terms, carries>(sum, product_fraction, c, a, b, whole);
}

template <Carries carries>
LaneAccumulator lanes(const FusedSum& sum, int product_fraction, const LaneAccumulator& c,
                      LaneRow a, LaneRow b, int64_t length) {
  switch (sum.terms) {
    case 4: return lanes<4, carries>(sum, product_fraction, c, a, b, length);
    case 8: return lanes<8, carries>(sum, product_fraction, c, a, b, length);
    case 16: return lanes<16, carries>(sum, product_fraction, c, a, b, length);
    default: return lanes<32, carries>(sum, product_fraction, c, a, b, length);
  }
}

}  // namespace

template <Carries carries>
ChainResult run_chain(const FusedSum& sum, ChainRow a, ChainRow b, int64_t length, uint32_t c) {
  const Factors factors{a.operand.format(), b.operand.format()};
  const bool plain = fits_lanes(sum, factors) && is_finite(fp32, c) &&
                     !a.operand.has_special(a.row) && !b.operand.has_special(b.row);
  const int64_t skipped = a.from % sum.terms;  // of the first step
  if (plain) {
    const auto result =
        lanes<carries>(sum, factors.a.trailing_bits + factors.b.trailing_bits, lane_accumulator(c),
                       a.operand.lanes(a.row, a.from - skipped),
                       b.operand.lanes(b.row, b.from - skipped), length + skipped);
    if (!result.overflow) {
      return {accumulator_bits(result), flag_if(result.carry_out, Flag::carry_out)};
    }
  }
  const uint32_t* const x = a.operand.codes(a.row, a.from);
  const uint32_t* const y = b.operand.codes(b.row, b.from);
  const auto first =
      static_cast<int>(skipped == 0 ? 0 : std::min<int64_t>(length, sum.terms - skipped));
  if (first > 0) c = fused_sum(sum, factors, c, x, y, first);
  return {fused_chain(sum, factors, c, x + first, y + first, static_cast<int>(length) - first),
          Flag::none};
}

uint32_t run_fma_chain(ChainRow a, ChainRow b, int64_t length, uint32_t c) {
  const uint32_t* const x = a.operand.codes(a.row, a.from);
  const uint32_t* const y = b.operand.codes(b.row, b.from);
  constexpr FixedCast<fp32, nearest_even> rounded;
  for (int64_t k = 0; k < length; ++k) {
    c = rounded(fma(decode<uint64_t>(a.operand.format(), x[k]),
                    decode<uint64_t>(b.operand.format(), y[k]), register_value(c),
                    Mode::nearest_even))
            .value;
  }
  return c;
}

template ChainResult run_chain<Carries::ignore>(const FusedSum&, ChainRow, ChainRow, int64_t,
                                                uint32_t);
template ChainResult run_chain<Carries::watch>(const FusedSum&, ChainRow, ChainRow, int64_t,
                                               uint32_t);

}  // namespace ulpscope
