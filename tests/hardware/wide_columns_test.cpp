// Sums of 32 columns with a row of wide factors against the definition, bit for bit, on every
// instruction set: near and far exponents, subnormals, cancellations, and what is marked.
#include "ulpscope/hardware/wide_columns.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <cfenv>

#include "hardware/column_products.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const FusedSum& hopper = matrix_unit(chip_named("h200"), bf16).sum;

// Every row of a times every column of b, from c on.
ColumnTally compare_wide(const FusedSum& sum, const Factor& a, const Factor& b,
                         const std::vector<uint32_t>& c) {
  const FusedColumns columns = packed(b);
  const auto blocks = static_cast<size_t>(columns.blocks());
  const size_t width = FusedColumns::block_size;
  ColumnTally tally;
  for (size_t i = 0; i < a.codes.size(); ++i) {
    std::vector<uint32_t> sums(blocks * width, 0);
    for (size_t j = 0; j < b.codes.size(); ++j) sums[j] = c[(i + j) % c.size()];
    const auto start = sums;
    std::vector<ColumnMarks> marks(blocks);
    add_wide_products(sum, a.terms(i), columns, {0, columns.blocks()}, a.length, sums, marks);
    for (size_t j = 0; j < b.codes.size(); ++j) {
      ++tally.sums;
      tally.carried += marks[j / width].carried != 0;
      if ((marks[j / width].outside >> j % width & 1) != 0) {
        ++tally.outside;
      } else {
        tally.different += sums[j] != by_codes(sum, a, i, b, j, start[j]);
      }
    }
  }
  return tally;
}

ColumnTally one_sum(std::vector<uint32_t> a, std::vector<uint32_t> b, uint32_t c) {
  a.resize(16, 0);
  b.resize(16, 0);
  return compare_wide(hopper, Factor(fp32, 16, {std::move(a)}), Factor(bf16, 16, {std::move(b)}),
                      {c});
}

}  // namespace

TEST_CASE("a row of binary32 factors gives the definition's bits, on every chip") {
  on_every_target([] {
    OperandSource source(1);
    for (const Chip& chip : chips) {
      for (const MatrixUnit& unit : chip.units) {
        if (unit.sum.terms == 0) continue;
        CAPTURE(std::string(chip.name));
        CAPTURE(format_name(unit.input));
        REQUIRE(fits_wide_columns(unit.sum, {fp32, unit.input}));
        ColumnTally tally;
        for (int spread = 0; spread < 126; spread += 9) {
          const int64_t length = unit.sum.terms * static_cast<int64_t>(1 + source.below(3));
          tally.add(compare_wide(unit.sum, random_factor(source, fp32, spread, 1, length),
                                 random_factor(source, unit.input, spread, 40, length),
                                 source.codes(fp32, 2 * spread, 61)));
        }
        CHECK(tally.different == 0);
        CHECK(tally.carried == 0);
        CHECK(tally.outside < tally.sums / 2);
      }
    }
  });
}

TEST_CASE("two wide factors, any even number of terms and any grid keep to the definition") {
  on_every_target([] {
    OperandSource source(2);
    int different = 0;
    for (const int terms : {2, 4, 6, 8, 16, 32}) {
      for (const int fraction : {7, 13, 23, 24, 25, 30}) {
        for (const int floor : {-400, -133, 0}) {
          const FusedSum sum{terms, fraction, floor, fraction < 23 ? fraction : 23};
          for (const int spread : {1, 14, 60}) {
            const Factor a = random_factor(source, fp32, spread, 1, 2 * terms);
            const Factor b = random_factor(source, bf16, spread, 35, 2 * terms);
            const auto tally = compare_wide(sum, a, b, source.codes(fp32, spread, 7));
            different += static_cast<int>(tally.different);
          }
        }
      }
    }
    CHECK(different == 0);
  });
}

TEST_CASE("sums that are no normal number are marked, zeros are not") {
  on_every_target([] {
    const auto outside = [](uint32_t a, uint32_t b, uint32_t c) {
      const auto tally = one_sum({a}, {b}, c);
      CHECK(tally.different == 0);
      return tally.outside == 1;
    };
    constexpr uint32_t one = 0x3F80'0000;
    constexpr uint32_t one16 = 0x3F80;
    CHECK_FALSE(outside(one, one16, 0xBF80'0000));  // 1 - 1
    CHECK_FALSE(outside(0, one16, 0x8000'0000));    // -0
    CHECK_FALSE(outside(0x0080'0000, one16, 0));    // 2^-126
    CHECK(outside(0x007F'FFFF, one16, 0));          // less
    CHECK(outside(0x0080'0001, one16, 0x8080'0000));
    CHECK_FALSE(outside(one, one16, 0x3F80'0001));
    CHECK_FALSE(outside(0x0000'0001, 0x0001, one));  // cut to nothing
    CHECK_FALSE(outside(0x7E80'0000, one16, 0));     // 2^126
    CHECK(outside(0x7F00'0000, 0x4000, 0));          // 2^128
    CHECK(outside(one, one16, 0x0000'0001));
    CHECK(outside(one, one16, 0x7F80'0000));
    CHECK(outside(one, one16, 0xFFC0'0000));
  });
}

TEST_CASE("all bits of a wide factor count before the cut") {
  // 1 + 2^-23 and 1 - 2^-24: beside nothing larger the sum keeps them all, beside 4 two bits less.
  const auto sum = [](uint32_t a, uint32_t c) {
    CHECK(one_sum({a}, {0x3F80}, c).different == 0);
    return by_codes(hopper, Factor(fp32, 1, {{a}}), 0, Factor(bf16, 1, {{0x3F80}}), 0, c);
  };
  CHECK(sum(0x3F80'0001, 0) == 0x3F80'0001);
  CHECK(sum(0x3F7F'FFFF, 0) == 0x3F7F'FFFF);
  CHECK(sum(0x3F80'0001, 0x4080'0000) == 0x40A0'0000);
}

TEST_CASE("the host's rounding direction changes no wide sum, and is given back") {
  OperandSource source(5);
  const Factor a = random_factor(source, fp32, 30, 4, 64);
  const Factor b = random_factor(source, bf16, 30, 40, 64);
  const auto starts = source.codes(fp32, 30, 61);
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(direction);
    const auto tally = compare_wide(hopper, a, b, starts);
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    CHECK(tally.different == 0);
    CHECK(after == direction);
  }
}

TEST_CASE("what does not fit wide columns is told apart") {
  CHECK(fits_wide_columns(hopper, {fp32, bf16}));
  CHECK(fits_wide_columns(hopper, {fp32, fp32}));
  CHECK_FALSE(fits_wide_columns(hopper, {fp64, bf16}));
  CHECK_FALSE(fits_wide_columns(hopper, {ieee_like(9, 6), bf16}));
  CHECK_FALSE(
      fits_wide_columns({.terms = 5, .fraction_bits = 20, .floor_exponent = -133}, {fp32, bf16}));
}
