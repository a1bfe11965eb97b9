#include "ulpscope/attention/operands.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// What lane k of a row says, as a value.
double lane_value(const Operand& operand, int64_t row, int64_t k) {
  const LaneRow lanes = operand.lanes(row);
  return std::ldexp(lanes.significand[k], lanes.exponent[k] - operand.format().trailing_bits);
}

double value(const Format& f, uint64_t code) {
  return bit_cast<double>(round_pack(fp64, decode<uint128>(f, code), nearest_even).bits);
}

}  // namespace

TEST_CASE("lanes hold the value of every finite code") {
  for (const Format& f : {bf16, fp16, e4m3fn, e5m2}) {
    Operand operand(f, 1, 32);
    const uint64_t codes = uint64_t{1} << width(f);
    for (uint64_t code = 0; code < codes; ++code) {
      if (!is_finite(f, code)) continue;
      operand.set(0, 5, code);
      REQUIRE(bit_cast<uint64_t>(lane_value(operand, 0, 5)) ==
              bit_cast<uint64_t>(std::abs(value(f, code)) > 0 ? value(f, code) : 0.0));
      REQUIRE(operand.codes(0)[5] == code);
    }
    CHECK_FALSE(operand.has_special(0));
  }
}

TEST_CASE("rows and columns of the same matrix hold the same codes") {
  Random random(1);
  const auto codes = random_codes(random, bf16, 7 * 40);
  const Operand rows = operand_rows(bf16, codes, 7, 40, 0);
  const Operand columns = operand_columns(bf16, codes, 7, 40, 64);
  CHECK(rows.rows() == 7);
  CHECK(rows.length() == 40);
  CHECK(columns.rows() == 40);
  CHECK(columns.length() == 7);
  for (int64_t r = 0; r < 7; ++r) {
    for (int64_t k = 0; k < 40; ++k) {
      REQUIRE(rows.codes(r)[k] == codes[static_cast<size_t>(r * 40 + k)]);
      REQUIRE(columns.codes(k)[r] == rows.codes(r)[k]);
      REQUIRE(columns.lanes(k).significand[r] == rows.lanes(r, k).significand[0]);
      REQUIRE(columns.lanes(k, r).exponent[0] == rows.lanes(r).exponent[k]);
    }
  }
}

TEST_CASE("beyond its length a row holds zeros, to the end of a step and of the slack") {
  Random random(2);
  const auto codes = random_codes(random, fp16, 3 * 10);
  const Operand operand = operand_rows(fp16, codes, 3, 10, 50);
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t k = 10; k < 64; ++k) {
      REQUIRE(operand.codes(r)[k] == 0);
      REQUIRE(operand.lanes(r).significand[k] == 0);
      REQUIRE(operand.lanes(r).exponent[k] == zero_lane_exponent);
    }
  }
}

TEST_CASE("a row remembers that it holds an infinity or NaN until it is told to forget") {
  Operand operand(e4m3fn, 3, 4);
  operand.set(1, 2, 0x7F);  // NaN
  operand.set(0, 0, 0x7E);  // 448
  CHECK_FALSE(operand.has_special(0));
  CHECK(operand.has_special(1));
  operand.set(1, 2, 0);
  CHECK(operand.has_special(1));
  operand.reset_specials();
  CHECK_FALSE(operand.has_special(1));
  Operand half(fp16, 1, 4);
  half.set(0, 3, 0xFC00);
  CHECK(half.has_special(0));
}

TEST_CASE("packed, rows stand side by side: the same factors, 32 rows a block, term by term") {
  Random random(3);
  Operand operand = operand_rows(fp16, random_codes(random, fp16, 40 * 10), 40, 10, 0);
  CHECK(operand.packed() == nullptr);
  operand.pack();
  const FusedColumns& packed = *operand.packed();
  REQUIRE(packed.blocks() == 2);
  const int offset = packed.exponents(1, 0)->of[31][0] - zero_lane_exponent;  // of a row not there
  for (int64_t r = 0; r < 40; ++r) {
    const auto column = static_cast<size_t>(r % 32);
    for (int64_t k = 0; k < 32; ++k) {  // the step's end lies behind the ten
      const uint32_t code = k < 10 ? operand.codes(r)[k] : 0;
      const uint32_t value = lane_value(lane(fp16, code), fp16.trailing_bits);
      REQUIRE(bit_cast<uint32_t>(packed.values(r / 32, k)->of[column]) == value);
      REQUIRE(packed.exponents(r / 32, k)->of[column][static_cast<size_t>(k % 2)] ==
              lane(fp16, code).exponent + offset);
    }
  }
  operand.set(39, 2, 0x3C00);
  operand.pack();
  CHECK(bit_cast<uint32_t>(operand.packed()->values(1, 2)->of[7]) == 0x3F80'0000);
}

TEST_CASE("a row set by registers is the row set by their codes") {
  Random random(4);
  for (const Format& f :
       {bf16, fp16, tf32, e4m3fn, e5m2, ieee_like(8, 11), ieee_like(5, 7), fp32}) {
    CAPTURE(format_name(f));
    constexpr int64_t length = 3000;
    Operand by_codes(f, 2, length);
    Operand by_registers(f, 2, length);
    std::vector<uint32_t> registers;
    for (int64_t k = 0; k < length; ++k) {
      const uint64_t code = random.word() & low_mask<uint64_t>(width(f));
      registers.push_back(detail::widened(f, code));
      by_codes.set(1, k, code_of(f, registers.back()));
    }
    by_registers.set_registers(1, registers);
    CHECK(by_registers.has_special(1) == by_codes.has_special(1));
    CHECK_FALSE(by_registers.has_special(0));
    for (int64_t k = 0; k < length; ++k) {
      REQUIRE(by_registers.codes(1)[k] == by_codes.codes(1)[k]);
      if (f == fp32) continue;  // does not fit the lanes
      REQUIRE(bit_cast<uint32_t>(by_registers.terms(1).values[k]) ==
              bit_cast<uint32_t>(by_codes.terms(1).values[k]));
      REQUIRE(by_registers.lanes(1).exponent[k] == by_codes.lanes(1).exponent[k]);
      REQUIRE(by_registers.lanes(1).significand[k] == by_codes.lanes(1).significand[k]);
    }
  }
}
