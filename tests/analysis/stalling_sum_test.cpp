#include "ulpscope/analysis/stalling_sum.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <array>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::vector<uint16_t> ones(const Format& format, size_t n) {
  const auto one = round_pack(format, decode<uint64_t>(fp32, 0x3F80'0000), nearest_even).bits;
  return std::vector<uint16_t>(n, static_cast<uint16_t>(one));
}

std::vector<uint16_t> uniform(const Format& format, int64_t n) {
  return draw({.kind = LawKind::uniform}, {.rows = n, .keys = 1, .dim = 1, .format = format}).q;
}

}  // namespace

TEST_SUITE("stalling sum") {
  TEST_CASE("ones stall at 2^(t+1)") {
    // There 1 is half an ulp, and the tie goes to the even sum below.
    for (const Format& format : {e4m3fn, bf16, fp16}) {
      const int64_t stall = int64_t{2} << format.trailing_bits;
      CAPTURE(stall);
      const auto sum = sequential_sum(format, nearest_even, ones(format, 4096), 1);
      CHECK(sum.sum == static_cast<double>(stall));
      CHECK(sum.last_change == stall);
      CHECK(sum.exact == 4096);
    }
  }

  TEST_CASE("of uniform numbers bf16 loses half at 1024 and 97 % at 16384") {
    // v-code01/flashswamp: 50.2 % and 96.9 %. Exact sums n/2 +- sqrt(n/12): of 256 / that, five
    // standard errors are 9 % of 0.5 and 2.3 % of 0.031.
    const auto lost = [](int64_t n) {
      return -sequential_sum(bf16, nearest_even, uniform(bf16, n), 1).relative_error();
    };
    CHECK(std::abs(lost(1024) - 0.502) < 0.045);
    CHECK(std::abs(lost(16384) - 0.969) < 0.001);
  }

  TEST_CASE("a truncated sum stalls too; a stochastic one goes on") {
    const auto truncated = sequential_sum(bf16, toward_zero, ones(bf16, 4096), 1);
    CHECK(truncated.sum == 256);
    const auto drawn = sequential_sum(bf16, Stochastic{}, ones(bf16, 4096), 1);
    CHECK(drawn.last_change > 4000);
    // The walk's variance: a step of u ulps goes up with probability 1/u, (u - 1) a term; at most
    // 15 here, so 248 in all at the most for five standard errors of sqrt(4096 * 15).
    CHECK(std::abs(drawn.sum - 4096) < 5 * 248);
  }
}
