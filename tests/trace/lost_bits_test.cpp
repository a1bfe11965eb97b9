#include "ulpscope/trace/lost_bits.hpp"

#include "ulpscope/arith/add.hpp"
#include "ulpscope/attention/judge.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include <array>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Rounding32 {
  uint32_t value;  // as a register
  Record record;
};

Rounding32 rounded(const Format& format, const Exact<uint64_t>& x, Rounding rounding) {
  const Stored stored = detail::store(format, x, rounding);
  return {stored.value, {stored.residue, stored.flags, x.negative}};
}

// Both in the smaller one's unit.
bool is_same(const Exact<Uint256>& x, const Exact<uint64_t>& y) {
  if (x.kind != y.kind || x.negative != y.negative || x.sticky != y.sticky) return false;
  if (x.kind != Kind::finite) return true;
  if (x.exponent <= y.exponent) {
    return x.significand == Uint256{y.significand} << (y.exponent - x.exponent);
  }
  return Uint256{y.significand} == x.significand << (x.exponent - y.exponent);
}

}  // namespace

TEST_SUITE("lost bits") {
  TEST_CASE("the published example has its guard bit and its rest back") {
    // -4.703990459442139, the sum of the paper's two terms in binary32.
    const auto x = decode<uint64_t>(fp32, 0xC096'8717U);
    const auto to_bf16 = rounded(bf16, x, nearest_even);
    CHECK(to_bf16.value == 0xC097'0000U);
    const auto lost = lost_bits(to_bf16.record);
    REQUIRE(lost);
    CHECK(lost->guard);
    CHECK(lost->rest);
    const auto before = exact_before(bf16, to_bf16.value, to_bf16.record);
    REQUIRE(before);
    CHECK(is_same(*before, x));
  }

  TEST_CASE("a tie has a guard bit alone, an exact value neither") {
    const auto tie = rounded(bf16, decode<uint64_t>(fp32, 0xC096'8000U), nearest_even);
    CHECK(tie.value == 0xC096'0000U);
    CHECK(lost_bits(tie.record)->guard);
    CHECK_FALSE(lost_bits(tie.record)->rest);
    const auto kept = rounded(bf16, decode<uint64_t>(fp32, 0xC096'0000U), nearest_even);
    CHECK_FALSE(lost_bits(kept.record)->guard);
    CHECK_FALSE(lost_bits(kept.record)->rest);
  }

  TEST_CASE("every value comes back in every mode, carried, subnormal and flushed to 0 too") {
    std::mt19937_64 bits(3);
    constexpr std::array modes{Mode::nearest_even, Mode::toward_zero, Mode::up, Mode::down,
                               Mode::away};
    const std::array formats{bf16, fp16, e4m3fn, e5m2};
    int carried = 0;
    for (int i = 0; i < 20000; ++i) {
      // Significands that end in ones carry often; exponents from the subnormals of all formats on.
      const auto significand = (bits() | (i % 4 == 0 ? 0xFFFF'0000U : 0U)) & 0xFF'FFFFU;
      const Exact<uint64_t> x{.significand = significand | 0x80'0000U,
                              .exponent = -23 - 20 + static_cast<int>(bits() % 25),
                              .kind = Kind::finite,
                              .negative = i % 2 == 0};
      const Format& format = formats[bits() % formats.size()];
      const auto result = rounded(format, x, {.mode = modes[bits() % modes.size()], .policy = {}});
      carried += has(result.record.flags, Flag::round_carry);
      const auto before = exact_before(format, result.value, result.record);
      CAPTURE(i);
      REQUIRE(before);
      const auto lost = lost_bits(result.record);
      REQUIRE(lost);
      CHECK((lost->guard || lost->rest) == has(result.record.flags, Flag::inexact));
      CHECK((lost->guard && !lost->rest) == has(result.record.flags, Flag::tie));
      // Where bits beyond the residue's 32 were cut, a sticky end stands for them.
      if (!has(result.record.flags, Flag::residue_truncated)) CHECK(is_same(*before, x));
    }
    CHECK(carried > 100);
  }

  TEST_CASE("a cut residue leaves a sticky end just below the value") {
    const auto one = decode<uint64_t>(fp32, 0x3F80'0000U);
    const Exact<uint64_t> small{
        .significand = 1, .exponent = -60, .kind = Kind::finite, .negative = false};
    const auto sum = add(one, small, Mode::nearest_even);
    const auto up = rounded(bf16, sum, {.mode = Mode::up, .policy = {}});
    CHECK(up.value == 0x3F81'0000U);
    const auto before = exact_before(bf16, up.value, up.record);
    REQUIRE(before);
    CHECK(before->sticky);
    CHECK(round_pack(bf16, *before, {.mode = Mode::up, .policy = {}}).bits == 0x3F81);
    CHECK(round_pack(bf16, *before, {.mode = Mode::down, .policy = {}}).bits == 0x3F80);
    CHECK(lost_bits(up.record)->rest);
    CHECK_FALSE(lost_bits(up.record)->guard);
  }

  TEST_CASE("a judged step has no guard bit, but its exact value") {
    // 2 - 2^-23 came out as 2: the ulp is that of the result, one binade above.
    const auto exact = decode<uint64_t>(fp32, 0x3FFF'FFFFU);
    const Record record = judged(fp32, 0x4000'0000U, exact, Flag::none);
    CHECK_FALSE(lost_bits(record).has_value());
    REQUIRE(exact_before(fp32, 0x4000'0000U, record));
    CHECK(is_same(*exact_before(fp32, 0x4000'0000U, record), exact));
    // And the other way round: the value, 2.5, lies a binade above the result.
    const auto above = decode<uint64_t>(fp32, 0x4020'0000U);
    const Record below = judged(fp32, 0x3FFF'FFFFU, above, Flag::none);
    REQUIRE(exact_before(fp32, 0x3FFF'FFFFU, below));
    CHECK(is_same(*exact_before(fp32, 0x3FFF'FFFFU, below), above));
  }

  TEST_CASE("overflow has neither") {
    const auto huge = rounded(e4m3fn, decode<uint64_t>(fp32, 0x4700'0000U), nearest_even);
    CHECK_FALSE(lost_bits(huge.record).has_value());
    CHECK_FALSE(exact_before(e4m3fn, huge.value, huge.record).has_value());
  }
}
