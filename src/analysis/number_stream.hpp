// Seeded numbers by their index, in binary64 by IEEE operations: the same on every machine.
//
//   NumberStream(seed, part).normal(index)      // part: which of the seed's streams
#pragma once

#include "ulpscope/reference/wide_exp.hpp"
#include "ulpscope/round/random_bits.hpp"

#include <cmath>
#include <cstdint>

namespace ulpscope {

class NumberStream {
 public:
  NumberStream(uint64_t seed, uint32_t part) : seed_(seed), part_(part) {}

  // In [0, 1), 53 bits.
  double uniform(uint64_t index, uint32_t step = 0) const {
    const uint64_t bits =
        random_bits({.seed = seed_, .site = part_, .element = index, .step = step});
    return static_cast<double>(bits >> 11) * 0x1p-53;
  }

  // N(0, 1) by Marsaglia's polar method: points of a square until one falls into its circle.
  double normal(uint64_t index) const {
    for (uint32_t step = 0;; step += 2) {
      const double x = 2 * uniform(index, step) - 1;
      const double y = 2 * uniform(index, step + 1) - 1;
      const double square = x * x + y * y;
      if (square > 0 && square < 1) return x * std::sqrt(-2 * wide_log(square) / square);
    }
  }

 private:
  uint64_t seed_;
  uint32_t part_;
};

}  // namespace ulpscope
