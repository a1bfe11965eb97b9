#include "ulpscope/compare/bit_counts.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("bit counts") {
  TEST_CASE("a distance counts the codes between, across zero too") {
    CHECK(distance({bf16, 0x3F80}, {bf16, 0x3F82}) == 2);
    CHECK(distance({bf16, 0x3F7F}, {bf16, 0x3F80}) == 1);  // across a power of two
    CHECK(distance({bf16, 0x0001}, {bf16, 0x8001}) == 2);
    CHECK(distance({bf16, 0x0000}, {bf16, 0x8000}) == 0);
  }

  TEST_CASE("between formats a distance is in ulps of the first, rounded up") {
    CHECK(distance({bf16, 0x3F80}, {fp32, 0x3F80'0000}) == 0);
    CHECK(distance({bf16, 0x3F80}, {fp32, 0x3F80'0001}) == 1);
    CHECK(distance({bf16, 0x3F82}, {fp32, 0x3F80'0000}) == 2);
    CHECK(distance({fp32, 0x3F80'0001}, {bf16, 0x3F80}) == 1);
    CHECK(distance({bf16, 0x7F00}, {fp32, 0x0000'0001}) == farthest_between_formats);
  }

  TEST_CASE("what is not finite has no distance") {
    CHECK_FALSE(distance({bf16, 0x7F80}, {bf16, 0x7F80}).has_value());
    CHECK_FALSE(distance({bf16, 0x7FC0}, {bf16, 0x3F80}).has_value());
  }

  TEST_CASE("bits, values, NaN and infinities are counted apart") {
    BitCounts counts;
    counts.add(0, {bf16, 0x3F80}, {bf16, 0x3F80});  // equal
    counts.add(1, {bf16, 0x7FC0}, {bf16, 0x7FC1});  // two NaN
    counts.add(2, {bf16, 0x0000}, {bf16, 0x8000});  // two zeros
    counts.add(3, {bf16, 0x7FC0}, {bf16, 0x7F80});  // NaN against infinity
    counts.add(4, {bf16, 0x7F80}, {bf16, 0xFF80});  // two infinities
    counts.add(5, {bf16, 0x7F80}, {bf16, 0x3F80});  // infinity against a number
    CHECK(counts.different_bits == 5);
    CHECK(counts.different_values == 3);
    CHECK(counts.nan_mismatch == 1);
    CHECK(counts.inf_mismatch == 2);
    CHECK(counts.distances[0] == 2);
    CHECK(counts.largest_distance == 0);
    CHECK(counts.first_different == size_t{1});
  }

  TEST_CASE("between formats values are compared: a NaN equals a NaN") {
    BitCounts counts;
    counts.add(0, {bf16, 0x7FC0}, {fp32, 0x7FC0'0000});
    counts.add(1, {bf16, 0x3F80}, {fp32, 0x3F80'0000});
    CHECK(counts.different_bits == 0);
    CHECK_FALSE(counts.first_different.has_value());
  }

  TEST_CASE("elements fall into the bucket of their distance") {
    BitCounts counts;
    for (const uint64_t steps : {0, 1, 2, 3, 10, 11, 100, 101}) {
      counts.add(steps, {bf16, 0x3F80 + steps}, {bf16, 0x3F80});
    }
    CHECK(counts.distances == std::array<uint64_t, 6>{1, 1, 1, 2, 2, 1});
    CHECK(counts.largest_distance == 101);
  }

  TEST_CASE("the first different element is the lowest index, whatever the order") {
    BitCounts counts;
    counts.add(7, {bf16, 0x3F80}, {bf16, 0x3F81});
    counts.add(3, {bf16, 0x3F80}, {bf16, 0x3F81});
    counts.add(5, {bf16, 0x3F80}, {bf16, 0x3F81});
    CHECK(counts.first_different == size_t{3});
  }
}
