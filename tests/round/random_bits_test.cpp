#include "ulpscope/round/random_bits.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("Philox gives the known answers of its authors") {
  // Random123 1.14, tests/kat_vectors: philox4x32 with 10 rounds, zeros and ones.
  CHECK(random_bits({}) == 0xE169'C58D'6627'E8D5);
  CHECK(random_bits({.seed = ~uint64_t{0},
                     .site = ~uint32_t{0},
                     .element = ~uint64_t{0},
                     .step = ~uint32_t{0}}) == 0x41C8'3B0E'408F'276D);
}

TEST_CASE("every part of the place and the seed matter") {
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 10; ++i) {
    seen.insert(random_bits({.seed = i << 40}));
    seen.insert(random_bits({.site = static_cast<uint32_t>(i)}));
    seen.insert(random_bits({.element = i << 33}));
    seen.insert(random_bits({.step = static_cast<uint32_t>(i)}));
  }
  CHECK(seen.size() == 37);  // the four zeros are one place
}
