// Random bits for stochastic rounding, a pure function of where they are used: seed, rounding site,
// element and step. A run replays bit for bit at any thread count, because nothing is drawn in
// turn.
//
//   random_bits({.seed = 1, .site = 0, .element = 42, .step = 0})
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) from Random123, which passes BigCrush: the
// seed is the key, the place is the counter. Tested by tests/round/random_bits_test.cpp.
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

// 64 uniform bits.
ULPSCOPE_HD inline uint64_t random_bits(const Draw& draw) {
  const auto lower = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto upper = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const r123::Philox4x32::ctr_type place{
      {lower(draw.element), upper(draw.element), draw.site, draw.step}};
  const r123::Philox4x32::key_type key{{lower(draw.seed), upper(draw.seed)}};
  const auto words = r123::Philox4x32{}(place, key);
  return uint64_t{words[1]} << 32 | words[0];
}

}  // namespace ulpscope
