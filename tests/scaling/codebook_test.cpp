// The levels of nf4 come out of the normal distribution, those of fp4 out of a small float; the
// thresholds are the middles, as far as their source wrote them.
#include "ulpscope/scaling/codebook.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// The p-quantile of the standard normal distribution, by bisection of its distribution function.
double normal_quantile(double p) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return low;
}

// QLoRA, appendix E: quantiles at equal steps of probability from 1/2 to delta on either side,
// eight above and seven below, zero, all over the largest. delta is the mean of 1 - 1/30 and 1 -
// 1/32.
std::vector<double> quantile_levels() {
  const double delta = (1 - 1.0 / 30 + 1 - 1.0 / 32) / 2;
  std::vector<double> levels{0};
  for (int i = 0; i < 8; ++i) levels.push_back(normal_quantile(delta + (0.5 - delta) * i / 8));
  for (int i = 0; i < 7; ++i) levels.push_back(-normal_quantile(delta + (0.5 - delta) * i / 7));
  std::sort(levels.begin(), levels.end());
  for (auto& level : levels) level /= normal_quantile(delta);
  return levels;
}

Float32 middle(Float32 x, Float32 y) { return (x + y) * Float32(0.5); }

const std::array books{&nf4_codebook, &fp4_codebook};

}  // namespace

TEST_CASE("the levels of nf4 are normal quantiles") {
  // The source's delta has seven decimals and its grid of probabilities is binary32: an error of
  // 4e-8 in p moves the outermost quantile by 6e-7 of 1.85, and the others by less.
  const auto expected = quantile_levels();
  REQUIRE(expected.size() == 16);
  for (uint32_t code = 0; code < 16; ++code) {
    const auto found = static_cast<double>(level_value(nf4_codebook, code));
    CHECK(std::abs(found - expected[code]) < 4e-7);
  }
  CHECK(level_value(nf4_codebook, 0) == Float32(-1.0));
  CHECK(level_value(nf4_codebook, 7).bits() == 0);
  CHECK(level_value(nf4_codebook, 15) == Float32(1.0));
}

TEST_CASE("the magnitudes of fp4 are 0, 1/16, 2, 3, 4, 6, 8 and 12 over 12") {
  const std::array twelfths{0.0, 0.0625, 8.0, 12.0, 4.0, 6.0, 2.0, 3.0};
  for (uint32_t code = 0; code < 8; ++code) {
    const auto expected = Float32(twelfths[code] / 12);
    CHECK(level_value(fp4_codebook, code) == expected);
    CHECK(level_value(fp4_codebook, code | 8) == -expected);
  }
}

TEST_CASE("codes ascend in level, and a threshold is the middle of its neighbours") {
  for (const Codebook* book : books) {
    for (int i = 0; i + 1 < book->codes; ++i) {
      const Float32 below = book->level[book->ascending[i]];
      const Float32 above = book->level[book->ascending[i + 1]];
      CHECK(below < above);
      const Float32 gap = abs(book->threshold[i] - middle(below, above));
      // nf4: to a unit of the last place. fp4: decimals of six digits or more.
      const Float32 allowed = abs(book->threshold[i]) * Float32(book->codes == 16 ? 1.2e-7 : 2e-6);
      CHECK(gap <= allowed);
    }
  }
}

TEST_CASE("a level is its own nearest, and so are its neighbours up to the thresholds") {
  for (const Codebook* book : books) {
    for (uint32_t code = 0; code < 16; ++code) {
      const Float32 level = level_value(*book, code);
      const bool minus_zero = level.bits() == 0x8000'0000U;
      CHECK(nearest_code(*book, level) == (minus_zero ? 0U : code));
    }
    for (int i = 0; i + 1 < book->codes; ++i) {
      const Float32 at = book->threshold[i];
      const bool positive = Float32(0.0) < at;
      const Float32 just_above = Float32::from_bits(positive ? at.bits() + 1 : at.bits() - 1);
      CHECK(nearest_code(*book, at) == book->ascending[i]);
      CHECK(nearest_code(*book, just_above) == book->ascending[i + 1]);
    }
  }
}

TEST_CASE("a tie goes down in nf4 and toward zero in fp4") {
  const Float32 between = nf4_codebook.threshold[0];
  CHECK(nearest_code(nf4_codebook, between) == 0);
  const Float32 half = fp4_codebook.threshold[4];  // between 1/3 and 1/2
  CHECK(level_value(fp4_codebook, nearest_code(fp4_codebook, half)) == Float32(1.0 / 3));
  CHECK(level_value(fp4_codebook, nearest_code(fp4_codebook, -half)) == Float32(-1.0 / 3));
}

TEST_CASE("NaN has the lowest code, what is beyond 1 the outermost") {
  const auto nan = Float32::from_bits(0x7FC0'0000);
  CHECK(nearest_code(nf4_codebook, nan) == 0);
  CHECK(nearest_code(fp4_codebook, nan) == 0);
  CHECK(nearest_code(nf4_codebook, Float32(7.0)) == 15);
  CHECK(nearest_code(fp4_codebook, Float32(-7.0)) == 11);
}
