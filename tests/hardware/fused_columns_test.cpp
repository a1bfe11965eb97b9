// Sums of 32 columns against the lanes and the definition, bit for bit, on every instruction set:
// every unit of every chip, near and far exponents, and the edges of what the columns take.
#include "ulpscope/hardware/fused_columns.hpp"

#include "ulpscope/hardware/chip.hpp"

#include <cfenv>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "hardware/column_products.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const FusedSum& hopper = matrix_unit(chip_named("h200"), bf16).sum;

// Every other unit that a chip may have.
std::vector<FusedSum> units_of_all_sizes() {
  std::vector<FusedSum> units;
  for (const int terms : {2, 4, 6, 8, 16, 32}) {
    for (int fraction = 8; fraction <= 28; ++fraction) {
      for (const int floor : {-133, -40, 0}) {
        const FusedSum sum{terms, fraction, floor, fraction < 23 ? fraction : 23};
        if (fits_columns(sum, {bf16, bf16})) units.push_back(sum);
      }
    }
  }
  return units;
}

std::vector<uint32_t> random_starts(OperandSource& source, int spread) {
  std::vector<uint32_t> starts = source.codes(fp32, spread, 61);
  starts.push_back(0x8000'0000);
  starts.push_back(0);
  return starts;
}

// One row, one column, its terms given.
ColumnTally one_sum(const FusedSum& sum, const Format& f, std::vector<uint32_t> a,
                    std::vector<uint32_t> b, uint32_t c) {
  const auto length = static_cast<int64_t>(a.size());
  return compare(sum, Factor(f, length, {std::move(a)}), Factor(f, length, {std::move(b)}), {c},
                 Judge::definition);
}

}  // namespace

TEST_CASE("columns give the bits of the definition and the carries of the lanes, on every chip") {
  on_every_target([] {
    OperandSource source(1);
    for (const Chip& chip : chips) {
      if (chip.name == "h200") continue;  // the units of sm90
      for (const MatrixUnit& unit : chip.units) {
        if (unit.sum.terms == 0) continue;
        CAPTURE(std::string(chip.name));
        CAPTURE(format_name(unit.input));
        REQUIRE(fits_columns(unit.sum, {unit.input, unit.input}));
        ColumnTally tally;
        for (int spread = 0; spread < 140; spread += 3) {
          const int64_t length = unit.sum.terms * static_cast<int64_t>(1 + source.below(5));
          const Factor a = random_factor(source, unit.input, spread, 2, length);
          const Factor b = random_factor(source, unit.input, spread, 70, length);
          tally.add(compare(unit.sum, a, b, random_starts(source, 2 * spread), Judge::definition));
        }
        CHECK(tally.different == 0);
        CHECK(tally.carried > 0);
        CHECK(tally.outside < tally.sums / 2);
      }
    }
  });
}

TEST_CASE("sums of 128 bf16 or fp16 products at Hopper's parameters are the lanes'") {
  on_every_target([] {
    OperandSource source(2);
    for (const Format& f : {bf16, fp16}) {
      ColumnTally tally;
      constexpr int64_t length = 128;
      for (int turn = 0; turn < 60; ++turn) {
        const Factor a = random_factor(source, f, turn, 64, length);
        const Factor b = random_factor(source, f, turn, 64, length);
        tally.add(compare(hopper, a, b, random_starts(source, turn), Judge::lanes));
      }
      CHECK(tally.different == 0);
      CHECK(tally.sums * length > 30'000'000);
      CHECK(tally.outside < tally.sums / 10);
    }
  });
}

TEST_CASE("any even number of terms, any fraction bits and any floor keep to the definition") {
  on_every_target([] {
    OperandSource source(3);
    ColumnTally tally;
    for (const FusedSum& sum : units_of_all_sizes()) {
      for (const int spread : {1, 12, 60, 130}) {
        const Factor a = random_factor(source, bf16, spread, 1, 3 * sum.terms);
        const Factor b = random_factor(source, bf16, spread, 40, 3 * sum.terms);
        const auto found = compare(sum, a, b, random_starts(source, spread), Judge::definition);
        CAPTURE(sum.terms);
        CAPTURE(sum.fraction_bits);
        CAPTURE(sum.floor_exponent);
        CHECK(found.different == 0);
        tally.add(found);
      }
    }
    CHECK(tally.outside < tally.sums / 4);
  });
}

TEST_CASE("factors of two formats keep to the definition") {
  on_every_target([] {
    OperandSource source(4);
    for (const Format& p : {e4m3fn, e5m2, fp16, ieee_like(5, 7), tf32}) {
      REQUIRE(fits_columns(hopper, {p, bf16}));
      ColumnTally tally;
      for (int spread = 0; spread < 70; ++spread) {
        tally.add(compare(hopper, random_factor(source, p, spread, 2, 48),
                          random_factor(source, bf16, spread, 40, 48),
                          random_starts(source, spread), Judge::definition));
      }
      CHECK(tally.different == 0);
    }
  });
}

TEST_CASE("what the columns do not take is marked: infinities, tiny and huge grids, long sums") {
  on_every_target([] {
    const std::vector<uint32_t> zeros(16, 0);
    const auto with = [&](uint32_t first) {
      auto codes = zeros;
      codes[0] = first;
      return codes;
    };
    const auto outside = [&](uint32_t a, uint32_t b, uint32_t c) {
      const auto tally = one_sum(hopper, bf16, with(a), with(b), c);
      CHECK(tally.different == 0);
      return tally.outside == 1;
    };
    constexpr uint32_t one = 0x3F80;
    // Products of 2^-101, 2^-102, and of subnormals; 2^122 and 2^123.
    CHECK_FALSE(outside(0x0D00, one, 0));
    CHECK(outside(0x0C80, one, 0));
    CHECK(outside(0x0001, one, 0));
    CHECK(outside(0x0001, 0x0001, 0));
    CHECK_FALSE(outside(0x7C80, one, 0));
    CHECK(outside(0x7D00, one, 0));
    CHECK(outside(0x7F00, 0x7F00, 0));
    // Beside C = 1 the tiny ones are cut to nothing, subnormals and all.
    CHECK_FALSE(outside(0x0C80, one, 0x3F80'0000));
    CHECK_FALSE(outside(0x0001, 0x0001, 0x3F80'0000));
    // C: zero of both signs; subnormal, infinite, NaN.
    CHECK_FALSE(outside(0, 0, 0));
    CHECK_FALSE(outside(0, one, 0x8000'0000));
    CHECK(outside(0, 0, 0x0000'0001));
    CHECK(outside(0, one, 0x807F'FFFF));
    CHECK(outside(one, one, 0x7F80'0000));
    CHECK(outside(one, one, 0xFFC0'0000));
    CHECK(outside(one, one, 0x0000'0001));
    // Sixteen products of all ones and C pass 2^31.
    const std::vector<uint32_t> ones(16, 0x3FFF);
    CHECK(one_sum(hopper, bf16, ones, ones, 0x3FFF'FFFF).outside == 1);
    CHECK(one_sum(hopper, bf16, ones, ones, 0x3FFF'FFFF).different == 0);
    const std::vector<uint32_t> less(16, 0x3FF0);
    CHECK(one_sum(hopper, bf16, less, less, 0x3FFF'FFFF).outside == 0);
    CHECK(one_sum(hopper, bf16, less, less, 0x3FFF'FFFF).different == 0);
  });
}

TEST_CASE("a factor is the float that its code means") {
  for (const Format& f : {bf16, fp16, tf32, e4m3fn, e5m2, ieee_like(8, 11)}) {
    int different = 0;
    for (uint32_t code = 0; code < (uint32_t{1} << std::min(width(f), 16)); ++code) {
      const Lane x = lane(f, code);
      if (x.special) continue;
      const auto exact = decode<uint64_t>(f, code);
      const auto expected = round_pack(fp32, exact, nearest_even).bits;
      const uint32_t found = lane_value(x, f.trailing_bits);
      different += found != (exact.kind == Kind::zero ? 0 : static_cast<uint32_t>(expected));
    }
    CHECK(different == 0);
  }
}

#if defined(__x86_64__)
TEST_CASE("a host that reads and writes subnormals as zeros changes no sum, and gets that back") {
  OperandSource source(6);
  const Factor a = random_factor(source, bf16, 126, 4, 64);
  const Factor b = random_factor(source, bf16, 126, 40, 64);
  const auto starts = random_starts(source, 140);
  constexpr unsigned flushing = 0x8040;  // FTZ, DAZ
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | flushing);
  const auto tally = compare(hopper, a, b, starts, Judge::definition);
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  CHECK(tally.different == 0);
  CHECK((after & flushing) == flushing);
}
#endif

TEST_CASE("the host's rounding direction changes no sum, and is given back") {
  OperandSource source(5);
  const Factor a = random_factor(source, bf16, 30, 4, 64);
  const Factor b = random_factor(source, bf16, 30, 40, 64);
  const auto starts = random_starts(source, 30);
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(direction);
    const auto tally = compare(hopper, a, b, starts, Judge::definition);
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    CHECK(tally.different == 0);
    CHECK(after == direction);
  }
}

TEST_CASE("rows that are wider than binary32, or of an odd number of terms, are told apart") {
  CHECK(fits_columns(hopper, {bf16, fp16}));
  CHECK_FALSE(fits_columns(hopper, {fp32, bf16}));
  CHECK_FALSE(fits_columns(hopper, {ieee_like(9, 6), bf16}));
  CHECK_FALSE(
      fits_columns({.terms = 5, .fraction_bits = 20, .floor_exponent = -133}, {bf16, bf16}));
  CHECK_FALSE(
      fits_columns({.terms = 32, .fraction_bits = 25, .floor_exponent = -133}, {bf16, bf16}));
}
