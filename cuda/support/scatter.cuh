// A counter, scattered: random operands that are reproduced from an index.
//
// SplitMix64's finaliser (Steele, Lea, Flood 2014, Fast splittable pseudorandom number
// generators). Bits 63..0 are all usable.
#pragma once

#include <cstdint>

namespace ulpscope::cuda {

__device__ inline uint64_t scatter(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace ulpscope::cuda
