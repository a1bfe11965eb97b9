// The fast form of the fused sum against its definition, bit for bit: every unit of every chip,
// near and far exponents, chains of one to four steps.
#include "ulpscope/hardware/fused_lanes.hpp"

#include "ulpscope/hardware/chip.hpp"

#include <string>

#include "hardware/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Lanes {
  std::vector<int16_t> significand;
  std::vector<int16_t> exponent;

  Lanes(const Format& f, const std::vector<uint32_t>& codes) {
    for (const uint32_t code : codes) {
      const Lane decoded = lane(f, code);
      significand.push_back(decoded.significand);
      exponent.push_back(decoded.exponent);
    }
  }
  LaneRow row() const { return {significand.data(), exponent.data()}; }
};

template <Carries carries>
LaneAccumulator run(const FusedSum& sum, int fraction, uint32_t c, const Lanes& a, const Lanes& b) {
  const auto start = lane_accumulator(c);
  const auto length = static_cast<int>(a.significand.size());
  switch (sum.terms) {
    case 4: return fused_lanes<4, carries>(sum, fraction, start, a.row(), b.row(), length);
    case 8: return fused_lanes<8, carries>(sum, fraction, start, a.row(), b.row(), length);
    case 16: return fused_lanes<16, carries>(sum, fraction, start, a.row(), b.row(), length);
    default: return fused_lanes<32, carries>(sum, fraction, start, a.row(), b.row(), length);
  }
}

// Whether a step of a chain carried, by the definition: the sum of the cut terms has more bits
// than the largest of them. Finite operands.
bool carries_by_definition(const FusedSum& row, const Format& f, uint32_t c,
                           const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  bool any = false;
  for (size_t from = 0; from < a.size(); from += static_cast<size_t>(row.terms)) {
    struct Term {
      uint64_t significand;
      int exponent;
      int fraction;
      bool negative;
    };
    const auto d = detail::factor(fp32, c);
    std::vector<Term> terms;
    if (d.kind == Kind::finite) terms.push_back({d.significand, d.exponent, 23, d.negative});
    for (size_t k = from; k < from + static_cast<size_t>(row.terms); ++k) {
      const auto x = detail::factor(f, a[k]);
      const auto y = detail::factor(f, b[k]);
      if (x.kind == Kind::zero || y.kind == Kind::zero) continue;
      terms.push_back({x.significand * y.significand, x.exponent + y.exponent, 2 * f.trailing_bits,
                       x.negative != y.negative});
    }
    int highest = row.floor_exponent;
    for (const Term& term : terms) highest = std::max(highest, term.exponent);
    int64_t sum = 0;
    int widest = 0;
    for (const Term& term : terms) {
      const int shift = highest - row.fraction_bits - (term.exponent - term.fraction);
      const uint64_t cut =
          shift <= 0 ? term.significand << -shift : shift_right_jam(term.significand, shift).word;
      widest = std::max(widest, bit_width(cut));
      sum += term.negative ? -static_cast<int64_t>(cut) : static_cast<int64_t>(cut);
    }
    any = any || bit_width(static_cast<uint64_t>(sum < 0 ? -sum : sum)) > widest;
    c = fused_sum(row, f, c, &a[from], &b[from], row.terms);
  }
  return any;
}

struct Tally {
  int outputs = 0;
  int different = 0;
  int overflows = 0;
  int carried = 0;
};

void compare(OperandSource& source, const MatrixUnit& unit, int turns, Tally& tally) {
  const FusedSum& sum = unit.sum;
  const Format& f = unit.input;
  const int fraction = 2 * f.trailing_bits;
  for (int i = 0; i < turns; ++i) {
    const int spread = i % 71;
    const auto length = static_cast<size_t>(sum.terms) * (1 + source.below(i % 8 == 0 ? 4 : 2));
    const auto a = source.codes(f, spread, length);
    const auto b = source.codes(f, spread, length);
    // C near the products, or anywhere in binary32.
    const uint32_t c = source.code(fp32, i % 2 == 0 ? 2 * spread : 140);
    const Lanes x(f, a);
    const Lanes y(f, b);
    const auto fast = run<Carries::ignore>(sum, fraction, c, x, y);
    const auto watched = run<Carries::watch>(sum, fraction, c, x, y);
    const uint32_t expected =
        fused_chain(sum, Factors{f, f}, c, a.data(), b.data(), static_cast<int>(length));
    ++tally.outputs;
    if (!is_finite(fp32, expected)) {
      ++tally.overflows;
      tally.different += !fast.overflow || !watched.overflow;
      continue;
    }
    tally.different += fast.overflow || accumulator_bits(fast) != expected;
    tally.different += watched.overflow || accumulator_bits(watched) != expected;
    if (i % 8 == 0) {
      const bool carried = carries_by_definition(sum, f, c, a, b);
      tally.carried += carried;
      tally.different += watched.carry_out != carried;
    }
  }
}

}  // namespace

TEST_CASE("lanes give the bits and the carries of the definition, on every chip") {
  OperandSource source(1);
  Tally all;
  for (const Chip& chip : chips) {
    if (chip.name == "h200") continue;  // the units of sm90
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms == 0) continue;
      CAPTURE(std::string(chip.name));
      CAPTURE(format_name(unit.input));
      Tally tally;
      compare(source, unit, 70'000, tally);
      CHECK(tally.different == 0);
      CHECK(tally.carried > 0);
      all.outputs += tally.outputs;
      all.overflows += tally.overflows;
    }
  }
  CHECK(all.outputs >= 1'000'000);
  CHECK(all.overflows > 1000);
}

TEST_CASE("mixed factors keep to the definition: FP8 probabilities against a bf16 V") {
  OperandSource source(2);
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  for (const Format& p : {e4m3fn, e5m2, fp16, ieee_like(5, 7), tf32}) {
    CAPTURE(format_name(p));
    REQUIRE(fits_lanes(sum, {p, bf16}));
    int different = 0;
    for (int i = 0; i < 10'000; ++i) {
      const auto a = source.codes(p, i % 71, 32);
      const auto b = source.codes(bf16, i % 71, 32);
      const uint32_t c = source.code(fp32, i % 71);
      const auto fast = run<Carries::ignore>(sum, p.trailing_bits + bf16.trailing_bits, c,
                                             Lanes(p, a), Lanes(bf16, b));
      const uint32_t expected = fused_chain(sum, Factors{p, bf16}, c, a.data(), b.data(), 32);
      if (fast.overflow) continue;
      different += accumulator_bits(fast) != expected;
    }
    CHECK(different == 0);
  }
}

TEST_CASE("formats and grids too wide for the lanes are told apart") {
  const FusedSum& hopper = matrix_unit(chip_named("h200"), bf16).sum;
  CHECK_FALSE(fits_lanes(hopper, {fp32, bf16}));
  CHECK_FALSE(fits_lanes(hopper, {bf16, ieee_like(8, 12)}));
  CHECK(fits_lanes(hopper, {ieee_like(8, 11), bf16}));
  CHECK_FALSE(fits_lanes({.terms = 32, .fraction_bits = 25, .floor_exponent = -133}, {bf16, bf16}));
  CHECK_FALSE(fits_lanes({.terms = 16, .fraction_bits = 26, .floor_exponent = -133}, {bf16, bf16}));
}

TEST_CASE("the largest products of a step stay inside their integers") {
  constexpr Format widest = ieee_like(8, 11);
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  const auto ones = static_cast<uint32_t>(
      (static_cast<uint64_t>(widest.bias) << widest.trailing_bits) | trailing_mask(widest));
  const std::vector<uint32_t> a(16, ones);
  const Lanes x(widest, a);
  const auto fast = run<Carries::watch>(sum, 22, 0x3FFF'FFFF, x, x);
  CHECK(accumulator_bits(fast) ==
        fused_chain(sum, Factors{widest, widest}, 0x3FFF'FFFF, a.data(), a.data(), 16));
  CHECK(fast.carry_out);
}

TEST_CASE("an accumulator is unpacked and packed without loss") {
  for (const uint32_t bits : {0x0000'0001u, 0x8000'0001u, 0x007F'FFFFu, 0x0080'0000u, 0x3F80'0000u,
                              0xBF80'0001u, 0x7F7F'FFFFu, 0xFF7F'FFFFu}) {
    CHECK(accumulator_bits(lane_accumulator(bits)) == bits);
  }
  CHECK(accumulator_bits(lane_accumulator(0)) == 0);
  CHECK(accumulator_bits(lane_accumulator(0x8000'0000)) == 0);  // a zero sum is +0
}

TEST_CASE("infinities and NaN are lanes without meaning, and say so") {
  CHECK(lane(bf16, 0x7F80).special);
  CHECK(lane(bf16, 0xFFC0).special);
  CHECK(lane(e4m3fn, 0x7F).special);
  CHECK_FALSE(lane(e4m3fn, 0x7E).special);
  CHECK_FALSE(lane(bf16, 0x8000).special);
  CHECK(lane(bf16, 0x8000).significand == 0);
}
