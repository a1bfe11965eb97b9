#include "ulpscope/round/random_bits.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("Philox gives the known answers of its authors, shared by elements 16 apart") {
  // Random123 1.14, tests/kat_vectors: philox4x32 with 10 rounds, counter and key zero.
  CHECK(random_bits({.element = 0}) == 0xE169'C58D'6627'E8D5);
  CHECK(random_bits({.element = 16}) == 0x9B00'DBD8'BC57'AC4C);
  CHECK(random_bits({.element = 0}, 32) == 0x6627'E8D5);
  CHECK(random_bits({.element = 16}, 17) == 0xE169'C58D);
  CHECK(random_bits({.element = 32}, 24) == 0xBC57'AC4C);
  CHECK(random_bits({.element = 48}, 32) == 0x9B00'DBD8);
  CHECK(random_bits({.element = 0}, 16) == 0xE8D5);
  CHECK(random_bits({.element = 16}, 1) == 0x6627);
  CHECK(random_bits({.element = 112}, 8) == 0x9B00);
  CHECK(random_bits({.element = 16}, 33) == random_bits({.element = 16}));
}

TEST_CASE("the counter is the element's block, then site and step; the key is the seed") {
  const Draw draw{.seed = 0x0123'4567'89AB'CDEF,
                  .site = 0xA5A5'5A5A,
                  .element = 0x5000'0000'0000'0037,
                  .step = 0xC3C3'3C3C};
  const auto block = [&](uint64_t number) {
    return r123::Philox4x32{}({{static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32),
                                draw.site, draw.step}},
                              {{0x89AB'CDEF, 0x0123'4567}});
  };
  // Element 0x37 lies in row 3 of 16 elements, the second of a pair and the fourth of eight.
  CHECK(random_bits(draw, 16) == block(0x0A00'0000'0000'0007)[1] >> 16);
  CHECK(random_bits(draw, 32) == block(0x1400'0000'0000'0007)[3]);
  const auto words = block(0x2800'0000'0000'0017);
  CHECK(random_bits(draw) == (uint64_t{words[3]} << 32 | words[2]));
}

TEST_CASE("no two elements share bits") {
  std::set<uint64_t> wide;
  std::set<uint64_t> narrow;
  for (uint64_t element = 0; element < 1000; ++element) {
    wide.insert(random_bits({.element = element}));
    narrow.insert(random_bits({.element = element}, 32));
  }
  CHECK(wide.size() == 1000);
  CHECK(narrow.size() == 1000);
  // Sixteen bits repeat; the eight parts of a block are the whole block.
  std::set<uint64_t> parts;
  for (uint64_t element = 5; element < 128; element += 16) {
    parts.insert(random_bits({.element = element}, 16));
  }
  CHECK(parts.size() == 8);
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
