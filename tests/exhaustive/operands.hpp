// Operands for random tests: uniform codes find little, so half of them are built to hurt.
//
// Structured operands have exponents within one precision of each other (so that sums align and
// cancel), significands that are runs of ones or zeros (so that carries and ties happen), or are
// specials, subnormals and the largest number. Same seed, same operands, on every machine.
#pragma once

#include "ulpscope/format/format.hpp"

#include <array>

namespace ulpscope {

// SplitMix64 (Steele, Lea, Flood 2014).
class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // Below n; the tiny bias for large n is of no concern here.
  uint64_t below(uint64_t n) { return next() % n; }
  int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<uint64_t>(high - low + 1)));
  }

 private:
  uint64_t state_;
};

// Codes of up to 80 bits.
inline uint128 uniform_code(Generator& random, const Format& f) {
  const uint128 high = width(f) > 64 ? random.next() : 0;
  return (high << 64 | random.next()) & low_mask<uint128>(width(f));
}

// A run of ones ending at a random place, or its complement, one unit more or less at times.
inline uint64_t patterned_trailing(Generator& random, const Format& f) {
  const uint64_t run = low_mask<uint64_t>(random.between(0, f.trailing_bits));
  const uint64_t pattern = random.below(2) == 0 ? run : ~run;
  return (pattern + random.below(3) - 1) & trailing_mask(f);
}

inline uint128 structured_code(Generator& random, const Format& f) {
  const uint128 sign = random.below(2) == 0 ? 0 : sign_mask<uint128>(f);
  const uint64_t trailing =
      random.below(2) == 0 ? random.next() & trailing_mask(f) : patterned_trailing(random, f);
  const int spread = precision(f) + 2;
  switch (random.below(8)) {
    case 0: return sign | trailing;  // zero and subnormals
    case 1: {
      const std::array<uint128, 5> landmarks{0, largest_finite_bits<uint128>(f),
                                             largest_finite_bits<uint128>(f) + 1,
                                             nan_bits<uint128>(f), uint128{1} << f.trailing_bits};
      return (sign | landmarks[random.below(landmarks.size())]) & low_mask<uint128>(width(f));
    }
    case 2: return uniform_code(random, f);
    default: {
      // Around 1, where the product of two operands is again near the operands.
      const auto top = static_cast<int>(largest_finite_bits<uint128>(f) >> f.trailing_bits);
      int field = f.bias + random.between(-spread, spread);
      field = field < 0 ? 0 : (field > top ? top : field);
      return sign | static_cast<uint128>(field) << f.trailing_bits | trailing;
    }
  }
}

inline uint128 any_code(Generator& random, const Format& f) {
  return random.below(4) == 0 ? uniform_code(random, f) : structured_code(random, f);
}

}  // namespace ulpscope
