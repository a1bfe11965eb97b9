// Random bits for stochastic rounding, a pure function of where they are used: seed, rounding site,
// element and step. A run replays bit for bit at any thread count, because nothing is drawn in
// turn.
//
//   random_bits({.seed = 1, .site = 0, .element = 42, .step = 0})       64 bits
//   random_bits({.seed = 1, .site = 0, .element = 42, .step = 0}, 12)   16 bits, of which 12 serve
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) from Random123, which passes BigCrush: the
// seed is the key, the place is the counter. One counter gives a block of 128 bits, and computing
// them is most of the cost of a stochastic rounding; so neighbours share a block, as many as their
// number of bits allows: P = 2 elements with 64 bits each, 4 with 32, or 8 with 16. They are 16
// elements apart:
//
//   element 16 P B + 16 p + i has part p (from the lowest bits of word 0 up) of block 16 B + i
//
// so that vector registers of any length up to 16 words compute neighbouring blocks and serve
// neighbouring elements without a shuffle (src/round/lanes_draw-inl.hpp). How many bits a rounding
// takes is thus part of where it draws from.
//
// Tested by tests/round/random_bits_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

#include <Random123/philox.h>

namespace ulpscope {

struct Draw {
  uint64_t seed = 0;
  uint32_t site = 0;     // which rounding of a computation
  uint64_t element = 0;  // which element of a tensor
  uint32_t step = 0;     // which turn of a loop over the element
};

namespace detail {

// The 128 bits of a block, and which of `parts` equal parts is the element's.
struct Block {
  r123::Philox4x32::ctr_type words;
  unsigned part;
};
ULPSCOPE_HD inline Block block_of(const Draw& draw, unsigned parts) {
  constexpr unsigned stride = 16;
  const auto lower = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto upper = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const uint64_t row = draw.element / stride;
  const uint64_t block = row / parts * stride + draw.element % stride;
  const r123::Philox4x32::ctr_type place{{lower(block), upper(block), draw.site, draw.step}};
  const r123::Philox4x32::key_type key{{lower(draw.seed), upper(draw.seed)}};
  return {r123::Philox4x32{}(place, key), static_cast<unsigned>(row % parts)};
}

}  // namespace detail

// 64 uniform bits.
ULPSCOPE_HD inline uint64_t random_bits(const Draw& draw) {
  const auto block = detail::block_of(draw, 2);
  return uint64_t{block.words[2 * block.part + 1]} << 32 | block.words[2 * block.part];
}

// 16, 32 or 64 uniform bits, `count` or more of them; count in 1..64.
ULPSCOPE_HD inline uint64_t random_bits(const Draw& draw, int count) {
  if (count > 32) return random_bits(draw);
  if (count > 16) {
    const auto block = detail::block_of(draw, 4);
    return block.words[block.part];
  }
  const auto block = detail::block_of(draw, 8);
  return block.words[block.part / 2] >> (block.part % 2 * 16) & 0xFFFF;
}

}  // namespace ulpscope
