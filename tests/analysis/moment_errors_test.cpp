#include "ulpscope/analysis/moment_errors.hpp"

#include "ulpscope/analysis/adam_states.hpp"
#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Of moment_formats.
constexpr size_t plain4 = 0;
constexpr size_t expanded4 = 1;
constexpr size_t plain5 = 2;
constexpr size_t expanded5 = 3;

MomentErrors errors_of(const AdamStates& states) {
  return moment_errors(states.first, states.second);
}

const MomentErrors& drawn() {
  static const MomentErrors errors = errors_of(draw_adam_states({.values = 16384}));
  return errors;
}

uint32_t code(float x) { return bit_cast<uint32_t>(x); }

}  // namespace

TEST_SUITE("moment errors") {
  TEST_CASE("drawn groups have the ranges of the paper, 1e3 and 1e1") {
    CHECK(drawn().groups == 128);
    CHECK(drawn().first.median_range > 300);
    CHECK(drawn().first.median_range < 3000);
    CHECK(drawn().second.median_range > 5);
    CHECK(drawn().second.median_range < 30);
  }

  TEST_CASE("the order of COAT's table: by the second moment's format in every row") {
    for (size_t first = 0; first < moment_format_count; ++first) {
      CAPTURE(moment_formats[first].name);
      const auto& row = drawn().steps[first];
      CHECK(row[expanded4].mean < row[plain4].mean);
      CHECK(row[expanded5].mean < row[plain4].mean);
      CHECK(row[plain4].mean < row[plain5].mean);
    }
  }

  TEST_CASE("the order of COAT's table: by the first moment's format in every column") {
    for (size_t second = 0; second < moment_format_count; ++second) {
      CAPTURE(moment_formats[second].name);
      const auto mean = [&](size_t first) { return drawn().steps[first][second].mean; };
      CHECK(mean(expanded4) < mean(expanded5));
      CHECK(mean(expanded5) < mean(plain4));
      CHECK(mean(plain4) < mean(plain5));
    }
  }

  TEST_CASE("expansion gains at least the paper's 1.63, and E5M2 expanded is as good for v") {
    const auto& steps = drawn().steps;
    CHECK(steps[plain4][plain4].mean / steps[expanded4][expanded4].mean > 1.63);
    // 12.31 and 12.43 in the paper's table.
    CHECK(std::abs(steps[expanded4][expanded5].mean / steps[expanded4][expanded4].mean - 1) < 0.15);
  }

  TEST_CASE("the exponent k is the range of the format over that of the group, in eighths") {
    for (const size_t format : {expanded4, expanded5}) {
      for (const MomentReport* moment : {&drawn().first, &drawn().second}) {
        uint64_t groups = 0;
        double sum = 0;
        for (const auto& [k, count] : moment->exponents[format]) {
          groups += count;
          sum += k * static_cast<double>(count);
          CHECK(8 * k == std::floor(8 * k));
        }
        CHECK(sum > 1.25 * 128);  // most groups leave much of the format's range
        CHECK(groups == 128);
      }
    }
    CHECK(drawn().first.exponents[plain4].empty());
    CHECK(drawn().first.exponents[plain5].empty());
    // One group of 448 = 2^8.8 and 1 / 448, whose range is 2^17.6: floor(8 * 16.61 / 17.61) / 8;
    // and of 16 and 1, floor(8 * 16.61 / 4) / 8.
    const auto m =
        moment_errors(std::vector{code(448), code(1.0F / 448)}, std::vector{code(16), code(1)});
    CHECK(m.first.exponents[expanded4] == std::map<double, uint64_t>{{0.875, 1}});
    CHECK(m.second.exponents[expanded4] == std::map<double, uint64_t>{{4.125, 1}});
  }

  TEST_CASE("one group by hand: what the formats hold has no error") {
    // m / sqrt(v) of numbers that E4M3 with scale absmax / 448 holds: 448 and 224, 64 times 7.
    const auto e =
        moment_errors(std::vector{code(448), code(-224)}, std::vector{code(448), code(7)});
    CHECK(e.steps[plain4][plain4].mean == 0);
    CHECK(e.steps[plain4][plain4].standard_error == 0);
    CHECK(e.first.median_range == 2);
    CHECK(e.second.median_range == 64);
    CHECK(e.groups == 1);
  }

  TEST_CASE("a lost second moment is counted and makes the step huge") {
    const auto e = moment_errors(std::vector{code(1), code(1)}, std::vector{code(1), code(1e-7F)});
    CHECK(e.second.lost[plain4] == 1);
    CHECK(e.second.lost[expanded4] == 0);
    CHECK(e.steps[plain4][plain4].mean > 1e15);  // (1 / 1e-8)^2 / 2
    CHECK(e.steps[plain4][expanded4].mean < 1e6);
  }

  TEST_CASE("states are of their seed, and the moments follow their recurrence") {
    const auto one = draw_adam_states({.seed = 1, .values = 4});
    CHECK(one.first == draw_adam_states({.seed = 1, .values = 4}).first);
    CHECK(one.first != draw_adam_states({.seed = 2, .values = 4}).first);
    // After one step m = 0.1 g and v = 0.05 g^2: v = 5 m^2, within the roundings to binary32, of m
    // twice and of v once.
    const auto first = draw_adam_states({.values = 64, .steps = 1});
    for (size_t i = 0; i < 64; ++i) {
      const auto m = static_cast<double>(bit_cast<float>(first.first[i]));
      const auto v = static_cast<double>(bit_cast<float>(first.second[i]));
      CHECK(std::abs(v / (5 * m * m) - 1) < 3.1 * 0x1p-24);
    }
  }

  TEST_CASE("no values, other counts, negative second moments: refused") {
    const std::vector one{code(1)};
    const std::vector minus{code(-1)};
    CHECK_THROWS_AS(draw_adam_states({.values = 0}), Error);
    CHECK_THROWS_AS(draw_adam_states({.steps = 0}), Error);
    CHECK_THROWS_AS(draw_adam_states({.spread = -1}), Error);
    CHECK_THROWS_AS(moment_errors(one, std::vector{code(1), code(2)}), Error);
    CHECK_THROWS_AS(moment_errors(one, minus), Error);
    CHECK_THROWS_AS(moment_errors({}, {}), Error);
  }
}
