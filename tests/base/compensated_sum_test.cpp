#include "ulpscope/base/compensated_sum.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("what a large term swallows is not lost") {
  CompensatedSum sum;
  for (const double x : {1.0, 1e100, 1.0, -1e100}) sum.add(x);
  CHECK(sum.value() == 2.0);
}

TEST_CASE("a sum of sums is the sum of all") {
  CompensatedSum left, right;
  for (const double x : {1e16, 1.0}) left.add(x);
  for (const double x : {1.0, -1e16}) right.add(x);
  left.add(right);
  CHECK(left.value() == 2.0);
}

TEST_CASE("a million tenths are what one product makes of them") {
  CompensatedSum sum;
  for (int i = 0; i < 1'000'000; ++i) sum.add(0.1);
  CHECK(sum.value() == 0.1 * 1e6);
}
