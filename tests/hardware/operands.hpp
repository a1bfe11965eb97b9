// Random operands for the fused sums: near and far exponents, zeros, subnormals, all-ones
// significands, and now and then an infinity or NaN.
#pragma once

#include "ulpscope/format/format.hpp"

#include <random>
#include <vector>

namespace ulpscope::test {

class OperandSource {
 public:
  explicit OperandSource(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t end) { return random_() % end; }

  // A finite code whose exponent field lies within `spread` of `centre`, as far as it can.
  uint32_t code(const Format& f, int centre, int spread) {
    const uint64_t sign = below(2) * sign_mask(f);
    const uint64_t kind = below(16);
    if (kind == 0) return static_cast<uint32_t>(sign);
    uint64_t trailing = random_() & trailing_mask(f);
    if (kind == 1) trailing = trailing_mask(f);
    if (kind == 2) trailing = 0;
    const int largest = static_cast<int>(largest_finite_bits(f) >> f.trailing_bits);
    int field = centre + static_cast<int>(below(static_cast<uint64_t>(2 * spread + 1))) - spread;
    if (kind == 3 && spread > 30) field = 0;
    field = field < 0 ? 0 : field > largest ? largest : field;
    uint64_t magnitude = (static_cast<uint64_t>(field) << f.trailing_bits) + trailing;
    if (magnitude > largest_finite_bits(f)) magnitude = largest_finite_bits(f);
    return static_cast<uint32_t>(sign | magnitude);
  }
  uint32_t code(const Format& f, int spread) { return code(f, f.bias, spread); }

  std::vector<uint32_t> codes(const Format& f, int spread, size_t count) {
    std::vector<uint32_t> all(count);
    for (auto& one : all) one = code(f, spread);
    return all;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace ulpscope::test
