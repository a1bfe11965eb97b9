// Rows of powers against the scalar functions, on every instruction set.
#include "ulpscope/attention/exact_powers.hpp"

#include "ulpscope/arith/elementary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "attention/exact_rows.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Exact<uint128> widened(const Exact<uint64_t>& x) {
  return {
      .significand = x.significand, .exponent = x.exponent, .kind = x.kind, .negative = x.negative};
}

struct Tally {
  int64_t held = 0;
  int64_t different = 0;
};

// Half a unit of the 64 bits stands for what lies below them.
void compare(Power power, std::span<const uint32_t> x, Tally& tally) {
  ExactValues row;
  exact_powers(power, x, row);
  for (size_t i = 0; i < x.size(); ++i) {
    if (!is_held(row, i)) continue;
    ++tally.held;
    const auto argument = decode<uint64_t>(fp32, x[i]);
    const auto y = power == Power::of_two ? exp2_value(argument) : exp_value(argument);
    auto expected = widened(y);
    if (y.sticky) {
      expected.significand = 2 * expected.significand + 1;
      expected.exponent -= 1;
    }
    tally.different += !equal(held_value(row, i), expected);
  }
}

// Every `stride`-th register.
Tally compare_all(Power power, uint32_t stride) {
  Tally tally;
  std::array<uint32_t, RecordRow::room> x;
  uint64_t next = 0;
  while (next < uint64_t{1} << 32) {
    for (auto& one : x) {
      one = static_cast<uint32_t>(next);
      next += stride;
    }
    compare(power, x, tally);
  }
  return tally;
}

}  // namespace

TEST_CASE("2^x and e^x of a row are those of the scalar functions, half a unit added") {
  on_every_instruction_set([](bool has_lanes) {
    for (const Power power : {Power::of_two, Power::of_e}) {
      const Tally tally = compare_all(power, 4999);
      CHECK(tally.different == 0);
      // 50 of 256 exponents.
      CHECK(tally.held > (has_lanes ? int64_t{150'000} : int64_t{-1}));
    }
  });
}

TEST_CASE("whole numbers are exact, their neighbours are not, and the far ends are left out") {
  on_every_instruction_set([](bool has_lanes) {
    if (!has_lanes) return;
    std::vector<uint32_t> x{0, 0x8000'0000};
    for (int n = -400; n <= 400; n += 7) {
      const auto bits = bit_cast<uint32_t>(static_cast<float>(n) / 2);
      for (const uint32_t near : {bits - 1, bits, bits + 1}) x.push_back(near);
    }
    for (size_t i = 0; i < x.size(); i += RecordRow::room) {
      const auto block = std::span(x).subspan(i, std::min(x.size() - i, RecordRow::room));
      for (const Power power : {Power::of_two, Power::of_e}) {
        Tally tally;
        compare(power, block, tally);
        CHECK(tally.different == 0);
        CHECK(tally.held + 2 >= static_cast<int64_t>(block.size()));
      }
    }
    ExactValues row;
    exact_powers(Power::of_two, std::span(x).first(2), row);
    CHECK(row.high[0] == 1);
    CHECK(row.low[0] == 0);
    const std::vector<uint32_t> out{0x7F80'0000, 0xFF80'0000, 0x7FC0'0000, 0x4400'0000,
                                    0xC400'0000, 0x0000'0001, 0x2A80'0000, 0xAA80'0000};
    exact_powers(Power::of_e, out, row);
    for (size_t i = 0; i < out.size(); ++i) CHECK_FALSE(is_held(row, i));
  });
}

TEST_CASE("a row of any length leaves the rest of its block alone or fills it") {
  for (size_t count = 0; count <= RecordRow::room; ++count) {
    std::vector<uint32_t> x(count, 0x4000'0000);
    ExactValues row;
    exact_powers(Power::of_two, x, row);
    for (size_t i = 0; i < count; ++i) {
      if (is_held(row, i)) REQUIRE(row.high[i] == 4);
    }
  }
}
