// A sum that loses nothing: one fixed-point number, as long as its terms' exponents are spread.
//
// WideSum takes every product of two binary32 numbers, 2^-298 to 2^256, and 2^63 of them: the slow,
// certain road of the exact dot products (attention/exact_dot.hpp), taken where exponents are
// spread too far for 128 bits. arith/dot.hpp chooses other sizes for other formats.
//
//   WideSum s; s.add(1, 100, false); s.add(1, -200, false); s.add(1, 100, true);  // s is 2^-200
//
// Tested by tests/base/wide_sum_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

namespace ulpscope {

// limb_count x 64 bits in two's complement, the lowest of them worth 2^lowest_exponent.
template <int lowest_exponent, int limb_count>
class FixedSum {
 public:
  // Adds (-1)^negative x magnitude x 2^exponent; exponent >= lowest, and the term, like the sum,
  // shorter than the number by a limb and a sign (below 2^300 for a WideSum).
  ULPSCOPE_HD constexpr void add(uint64_t magnitude, int exponent, bool negative) {
    const int position = exponent - lowest;
    const int limb = position / 64;
    const uint128 shifted = uint128{magnitude} << (position % 64);
    const auto low = static_cast<uint64_t>(shifted);
    const auto high = static_cast<uint64_t>(shifted >> 64);
    if (negative) {
      subtract_at(limb, low, high);
    } else {
      add_at(limb, low, high);
    }
  }

  // Adds another sum: sums of parts are the sum of the whole.
  ULPSCOPE_HD constexpr void add(const FixedSum& other) {
    uint128 carry = 0;
    for (int i = 0; i < limb_count; ++i) {
      carry += uint128{limbs_[i]} + other.limbs_[i];
      limbs_[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }

  friend constexpr bool operator==(const FixedSum&, const FixedSum&) = default;

  ULPSCOPE_HD constexpr bool is_negative() const { return (limbs_[limb_count - 1] >> 63) != 0; }

  // The 126 highest bits of the magnitude, the power of two of the lowest of them, and whether
  // any lower bit was set.
  struct Leading {
    uint128 magnitude;
    int exponent;
    bool negative;
    bool sticky;
  };
  ULPSCOPE_HD constexpr Leading leading() const {
    FixedSum x = *this;
    const bool negative = is_negative();
    if (negative) x.negate();
    int top = limb_count - 1;
    while (top > 0 && x.limbs_[top] == 0) --top;
    if (top == 0) return {x.limbs_[0], lowest, negative, false};
    // Three limbs around the highest bit, cut to 126 bits.
    const uint128 high = (uint128{x.limbs_[top]} << 64) | x.limbs_[top - 1];
    const uint64_t next = top >= 2 ? x.limbs_[top - 2] : 0;
    const int width = bit_width(high);
    const int up = 126 - width;
    const uint128 magnitude =
        up >= 0 ? (high << up) | (up == 0 ? 0 : uint128{next} >> (64 - up)) : high >> -up;
    const uint64_t rest = up >= 0 ? (up == 0 ? next : static_cast<uint64_t>(next << up)) : next;
    bool sticky = rest != 0 || (up < 0 && (high & low_mask<uint128>(-up)) != 0);
    for (int i = top - 3; i >= 0; --i) sticky = sticky || x.limbs_[i] != 0;
    return {magnitude, lowest + 64 * (top - 1) - up, negative, sticky};
  }

  static constexpr int lowest = lowest_exponent;

 private:
  ULPSCOPE_HD constexpr void add_at(int limb, uint64_t low, uint64_t high) {
    uint128 sum = uint128{limbs_[limb]} + low;
    limbs_[limb] = static_cast<uint64_t>(sum);
    sum = (sum >> 64) + limbs_[limb + 1] + high;
    limbs_[limb + 1] = static_cast<uint64_t>(sum);
    for (int i = limb + 2; i < limb_count && (sum >> 64) != 0; ++i) {
      sum = uint128{limbs_[i]} + 1;
      limbs_[i] = static_cast<uint64_t>(sum);
    }
  }
  ULPSCOPE_HD constexpr void subtract_at(int limb, uint64_t low, uint64_t high) {
    uint128 difference = uint128{limbs_[limb]} - low;
    limbs_[limb] = static_cast<uint64_t>(difference);
    difference = uint128{limbs_[limb + 1]} - high - ((difference >> 64) != 0 ? 1 : 0);
    limbs_[limb + 1] = static_cast<uint64_t>(difference);
    for (int i = limb + 2; i < limb_count && (difference >> 64) != 0; ++i) {
      difference = uint128{limbs_[i]} - 1;
      limbs_[i] = static_cast<uint64_t>(difference);
    }
  }
  ULPSCOPE_HD constexpr void negate() {
    for (auto& limb : limbs_) limb = ~limb;
    add_at(0, 1, 0);
  }

  uint64_t limbs_[limb_count] = {};
};

using WideSum = FixedSum<-320, 11>;

}  // namespace ulpscope
