#include "ulpscope/interop/hash.hpp"

#include <unordered_set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("the zeros are one key, and every other bf16 number is its own") {
  std::unordered_set<Soft<bf16>> numbers;
  for (uint64_t bits = 0; bits < 0x10000; ++bits) {
    if (!is_nan(bf16, bits)) numbers.insert(Soft<bf16>::from_bits(bits));
  }
  CHECK(numbers.size() == 2 * 0x7F81 - 1);
  CHECK(numbers.contains(Soft<bf16>(-0.0)));
  CHECK(std::hash<Soft<bf16>>{}(Soft<bf16>(0.0)) == std::hash<Soft<bf16>>{}(Soft<bf16>(-0.0)));
}

TEST_CASE("different numbers hash differently") {
  const std::hash<Soft<e5m2>> hash;
  CHECK(hash(Soft<e5m2>(1.0)) != hash(Soft<e5m2>(-1.0)));
  CHECK(hash(Soft<e5m2>(1.0)) != hash(Soft<e5m2>(1.25)));
}

TEST_CASE("whatever reads as zero is one key, and long codes are keys too") {
  using Flat = Soft<Format{4, 3, 7, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent}>;
  CHECK(Flat::from_bits(5) == Flat(0.0));
  CHECK(std::hash<Flat>{}(Flat::from_bits(5)) == std::hash<Flat>{}(Flat(0.0)));
  using Wide = Soft<ieee_like(15, 63)>;
  std::unordered_set<Wide> numbers{Wide(1.0), Wide(-1.0), Wide(2.0), Wide(-1.0)};
  CHECK(numbers.size() == 3);
}
