#include "reference/wide_loops.hpp"

#include "ulpscope/base/bits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "reference/wide_sums.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::vector<double> numbers(size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> law(0, 1);
  std::uniform_int_distribution<int> exponent(-40, 40);
  std::vector<double> list(count);
  std::generate(list.begin(), list.end(),
                [&] { return std::ldexp(law(random), exponent(random)); });
  return list;
}

bool same_bits(double a, double b) { return bit_cast<uint64_t>(a) == bit_cast<uint64_t>(b); }

}  // namespace

TEST_SUITE("wide loops") {
  TEST_CASE("many dot products are those taken one by one") {
    for (const int64_t dim : {1, 7, 8, 40, 64, 65, 128}) {
      for (const int64_t count : {0, 1, 3, 4, 5, 9}) {
        CAPTURE(dim);
        CAPTURE(count);
        const auto a = numbers(static_cast<size_t>(dim), 1);
        const auto rows = numbers(static_cast<size_t>(dim * count), 2);
        std::vector<double> found(static_cast<size_t>(count));
        wide::dots(a.data(), rows.data(), count, dim, found.data());
        for (int64_t j = 0; j < count; ++j) {
          CHECK(same_bits(found[static_cast<size_t>(j)],
                          wide::dot(a.data(), rows.data() + j * dim, dim)));
        }
      }
    }
  }

  TEST_CASE("four rows are added one after the other, each product rounded by itself") {
    constexpr int64_t dim = 37;
    const auto rows = numbers(4 * dim, 3);
    const auto weights = numbers(4, 4);
    auto sums = numbers(dim, 5);
    auto expected = sums;
    for (size_t i = 0; i < 4; ++i) {
      for (size_t f = 0; f < dim; ++f) {
        const volatile double product = weights[i] * rows[i * dim + f];
        expected[f] = expected[f] + product;
      }
    }
    wide::add_four(sums.data(), dim, weights.data(),
                   {rows.data(), rows.data() + dim, rows.data() + 2 * dim, rows.data() + 3 * dim});
    for (size_t f = 0; f < dim; ++f) CHECK(same_bits(sums[f], expected[f]));
  }

  TEST_CASE("infinities and NaN go where IEEE arithmetic takes them") {
    std::vector<double> a(16, 1.0);
    std::vector<double> rows(4 * 16, 1.0);
    rows[3] = std::numeric_limits<double>::infinity();
    rows[16 + 5] = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> found(4);
    wide::dots(a.data(), rows.data(), 4, 16, found.data());
    CHECK(std::isinf(found[0]));
    CHECK(std::isnan(found[1]));
    CHECK(found[2] == 16);
  }
}
