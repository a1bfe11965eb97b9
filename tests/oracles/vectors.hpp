// Operands as a function of (seed, index): the same vectors at every number of threads.
//
// Uniform codes rarely meet a tie, a cancellation or a subnormal result, so most vectors are built
// around the exponent that the *result* shall have. Of sixteen:
//
//   4  uniform codes
//   1  a landmark (zero, smallest, largest, infinity, NaN, ...) beside a uniform code
//   2  the last operand is minus what would cancel the rest, at most three codes beside it
//   9  exponents chosen so that the result lies anywhere (5), among the subnormals (2) or at the
//      top (2); terms up to p + 2 binades apart; significands of random bits or of few bits
//
//   const VectorSource vectors(fp16, Operation::mul, 1);
//   const auto [a, b, c] = vectors.at(123);
//
// Only the widths and the bias of the row are looked at, none of the core's functions on codes.
// Limits: formats of up to 64 bits with a sign and a bias above trailing_bits + 2.
// Tested by tests/oracles/mpfr_arithmetic_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/reference/arithmetic.hpp"

#include <algorithm>
#include <array>

namespace ulpscope {

// The output function of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes well.
constexpr uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// Independent bits for one vector, drawn in order.
class Draws {
 public:
  constexpr Draws(uint64_t seed, uint64_t index) : state_(mixed(seed ^ mixed(index + golden))) {}

  constexpr uint64_t word() { return mixed(state_ += golden); }
  // 0 to n - 1, from the high bits of a product; n is small.
  constexpr int below(int n) {
    return static_cast<int>(((word() >> 32) * static_cast<uint64_t>(n)) >> 32);
  }
  constexpr int between(int low, int high) { return low + below(high - low + 1); }

 private:
  static constexpr uint64_t golden = 0x9E3779B97F4A7C15;
  uint64_t state_;
};

struct Operands {
  uint64_t a;
  uint64_t b;
  uint64_t c;
};

class VectorSource {
 public:
  constexpr VectorSource(const Format& f, Operation operation, uint64_t seed)
      : operation_(operation),
        trailing_bits_(f.trailing_bits),
        bias_(f.bias),
        top_field_((1 << f.exponent_bits) - 1),
        sign_(uint64_t{1} << (f.exponent_bits + f.trailing_bits)),
        seed_(seed) {}

  constexpr Operands at(uint64_t index) const {
    Draws draws(seed_, index);
    switch (index % 16) {
      case 0:
      case 1:
      case 2:
      case 3: return {any(draws), any(draws), any(draws)};
      case 4: return with_landmark(draws);
      case 5:
      case 6: return cancelling(draws);
      case 7:
      case 8: return around(draws, draws.between(-trailing_bits_ - 2, 2));
      case 9:
      case 10: return around(draws, draws.between(top_field_ - 2, top_field_));
      default: return around(draws, draws.between(0, top_field_));
    }
  }

 private:
  constexpr uint64_t any(Draws& draws) const { return draws.word() & (2 * sign_ - 1); }

  // Random bits, or a run of ones or zeros with at most one bit flipped.
  constexpr uint64_t trailing(Draws& draws) const {
    const uint64_t mask = (uint64_t{1} << trailing_bits_) - 1;
    const uint64_t word = draws.word();
    if ((word >> 63) != 0 || trailing_bits_ == 0) return word & mask;
    const uint64_t run = (uint64_t{1} << draws.between(0, trailing_bits_)) - 1;
    const uint64_t flipped = uint64_t{1} << draws.below(trailing_bits_);
    return (((word & 1) != 0 ? run : ~run) ^ ((word & 2) != 0 ? flipped : 0)) & mask;
  }

  // The highest field is left to the uniform codes and the landmarks: infinities drown the rest.
  constexpr uint64_t code(Draws& draws, int field) const {
    const auto clamped = static_cast<uint64_t>(std::clamp(field, 0, top_field_ - 1));
    const uint64_t sign = (draws.word() >> 63) != 0 ? sign_ : 0;
    return sign | (clamped << trailing_bits_) | trailing(draws);
  }

  constexpr int field_of(uint64_t code) const {
    return static_cast<int>((code & (sign_ - 1)) >> trailing_bits_);
  }

  // The result's exponent field is about `target`; it may lie outside the format.
  constexpr Operands around(Draws& draws, int target) const {
    const int spread = trailing_bits_ + 3;
    switch (operation_) {
      case Operation::add:
      case Operation::sub: {
        const int gap = draws.between(-spread, spread);
        return {code(draws, target - std::max(gap, 0)), code(draws, target + std::min(gap, 0)), 0};
      }
      case Operation::mul:
      case Operation::fma: {
        // The other factor must be a field too, else the product misses the target.
        const int a = draws.between(std::max(0, target + bias_ - top_field_),
                                    std::min(top_field_, target + bias_));
        return {code(draws, a), code(draws, target + bias_ - a),
                code(draws, target + draws.between(-spread, spread))};
      }
      case Operation::div: {
        const int a = draws.between(std::max(0, target - bias_),
                                    std::min(top_field_, target - bias_ + top_field_));
        return {code(draws, a), code(draws, a + bias_ - target), 0};
      }
      case Operation::sqrt: return {code(draws, target), 0, 0};
    }
    return {};
  }

  constexpr Operands with_landmark(Draws& draws) const {
    const uint64_t one = static_cast<uint64_t>(bias_) << trailing_bits_;
    const uint64_t highest = static_cast<uint64_t>(top_field_) << trailing_bits_;
    const std::array<uint64_t, 10> landmarks{0,
                                             1,
                                             (uint64_t{1} << trailing_bits_) - 1,
                                             uint64_t{1} << trailing_bits_,
                                             one,
                                             highest - 1,
                                             highest,
                                             highest | 1,
                                             sign_ - 2,
                                             sign_ - 1};
    Operands x{any(draws), any(draws), any(draws)};
    const uint64_t sign = (draws.word() >> 63) != 0 ? sign_ : 0;
    const auto landmark = [&] { return landmarks[static_cast<size_t>(draws.below(10))]; };
    const int place = draws.below(4);  // 3: all of them
    if (place == 0 || place == 3) x.a = landmark() ^ sign;
    if (place == 1 || place == 3) x.b = landmark();
    if (place == 2 || place == 3) x.c = landmark() ^ sign;
    return x;
  }

  // a - a and the like. For fma the product's leading bits are worked out in the normal range.
  constexpr Operands cancelling(Draws& draws) const {
    Operands x = around(draws, draws.between(1, top_field_ - 1));
    const auto near = static_cast<uint64_t>(draws.between(-3, 3));
    const uint64_t magnitude = sign_ - 1;
    switch (operation_) {
      case Operation::add:
        x.b = (((x.a & magnitude) + near) & magnitude) | (~x.a & sign_);
        return x;
      case Operation::sub: x.b = (((x.a & magnitude) + near) & magnitude) | (x.a & sign_); return x;
      case Operation::mul:
      case Operation::div:
      case Operation::sqrt: return x;
      case Operation::fma: break;
    }
    const uint64_t hidden = uint64_t{1} << trailing_bits_;
    const uint128 product =
        uint128{(x.a & (hidden - 1)) | hidden} * ((x.b & (hidden - 1)) | hidden);
    const int carry = static_cast<int>(product >> (2 * trailing_bits_ + 1));
    const int field = field_of(x.a) + field_of(x.b) - bias_ + carry;
    const auto bits = static_cast<uint64_t>(product >> (trailing_bits_ + carry)) & (hidden - 1);
    const auto place = static_cast<uint64_t>(std::clamp(field, 0, top_field_)) << trailing_bits_;
    x.c = (((place | bits) + near) & magnitude) | (~(x.a ^ x.b) & sign_);
    return x;
  }

  Operation operation_;
  int trailing_bits_;
  int bias_;
  int top_field_;
  uint64_t sign_;
  uint64_t seed_;
};

}  // namespace ulpscope
