#include "ulpscope/compare/sample_distance.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

double distance_of(const std::vector<double>& a, const std::vector<double>& b,
                   size_t most_sorted = size_t{1} << 20) {
  return wasserstein_1(
      [&](const SampleVisitor& visit) {
        for (const double x : a) visit(Side::a, x);
        for (const double x : b) visit(Side::b, x);
      },
      most_sorted);
}

std::vector<double> normal_numbers(size_t count, double mean, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> law(mean, 1.0);
  std::vector<double> numbers(count);
  std::generate(numbers.begin(), numbers.end(), [&] { return law(random); });
  return numbers;
}

// The definition for samples of one size.
long double sorted_difference(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  long double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<long double>(a[i]) - b[i]);
  return sum / static_cast<long double>(a.size());
}

}  // namespace

TEST_CASE("places ascend with the numbers, and both zeros share one") {
  const std::vector<double> ascending{-1e300, -2.0, -1.5, -0x1p-1074, 0.0, 0x1p-1074, 1.0, 1e300};
  for (size_t i = 0; i + 1 < ascending.size(); ++i) {
    CHECK(detail::place_of(ascending[i]) < detail::place_of(ascending[i + 1]));
  }
  for (const double x : ascending) CHECK(detail::number_at(detail::place_of(x)) == x);
  CHECK(detail::place_of(-0.0) == detail::place_of(0.0));
}

TEST_CASE("the distance of a hand-made pair") {
  CHECK(distance_of({1, 2, 3}, {2, 3, 5}) == (1.0 + 1.0 + 2.0) / 3.0);
  CHECK(distance_of({1, 2, 3}, {3, 1, 2}) == 0.0);
  CHECK(distance_of({-0.0, 1}, {0.0, 1}) == 0.0);
}

TEST_CASE("samples of different sizes are compared by their shares") {
  // F_a jumps at 0, F_b by half at 0 and by half at 1.
  CHECK(distance_of({0}, {0, 1}) == 0.5);
  CHECK(distance_of({0, 0, 0, 3}, {0, 3}) == 0.75);
}

TEST_CASE("an empty sample has no distance") { CHECK(std::isnan(distance_of({}, {1.0}))); }

TEST_CASE("the distance is the mean difference of the sorted samples") {
  const auto a = normal_numbers(20'000, 0.0, 1);
  const auto b = normal_numbers(20'000, 0.125, 2);
  const long double expected = sorted_difference(a, b);
  const double found = distance_of(a, b);
  CHECK(std::abs(static_cast<long double>(found) - expected) <= expected * 0x1p-50L);
}

TEST_CASE("several walks give the bits of one") {
  const auto a = normal_numbers(5'000, 0.0, 3);
  const auto b = normal_numbers(5'000, 0.5, 4);
  const double found = distance_of(a, b);
  for (const size_t most : {size_t{1}, size_t{100}, size_t{3'000}}) {
    CHECK(distance_of(a, b, most) == found);
  }
}

TEST_CASE("numbers of ten trailing bits are never sorted") {
  int walks = 0;
  const double distance = wasserstein_1([&](const SampleVisitor& visit) {
    ++walks;
    for (int i = -1023; i <= 1023; ++i) {
      visit(Side::a, 1.0 + i / 1024.0);
      visit(Side::b, -(1.0 + i / 1024.0));
    }
  });
  CHECK(walks == 1);
  CHECK(distance == 2.0);
}
