// Random operands that reach the corners of a fused sum, made on the device from a counter.
//
// Each matrix product draws a recipe: how far exponents spread (from one binade to all), which
// significands (random, all ones, powers of two, one bit), which signs (random, all positive,
// pairs that cancel exactly or but for the last bit), which special codes are mixed in (zeros,
// subnormals, infinities and NaN, any code at all), and what C is (zero, anything, near the
// products, minus the sum, minus the sum but for low bits, subnormal). A result is reproduced
// from its index alone.
//
// Included by check_fused_sums.cu.
#pragma once

#include "hardware/tensor_core.cuh"
#include "support/scatter.cuh"

namespace ulpscope::cuda {

enum class Significands { random, all_ones, power_of_two, one_bit };
enum class Signs { random, positive, cancelling_pairs, nearly_cancelling_pairs };
enum class Mix { none, some_zeros, mostly_zeros, subnormals, infinities_and_nans, any_code };
enum class Addend { zero, any_code, near_products, minus_sum, nearly_minus_sum, subnormal };

// Numbers of the counter for one product: two sides of up to 64 lines of 32 factors, the addends,
// what cancels them.
inline constexpr uint64_t draws = 8192;

struct Recipe {
  int top_field_a;  // largest exponent field drawn
  int top_field_b;
  int spread;
  Significands significands;
  Signs signs;
  Mix mix;
  Addend addend;
};

__device__ inline Recipe recipe(const Format& f, uint64_t index) {
  constexpr int spreads[] = {0, 1, 2, 3, 5, 8, 11, 13, 16, 20, 25, 30, 40, 60, 100, 254};
  const uint64_t r = scatter(index);
  // Of finite numbers: 0 .. n-1. Formats whose only NaN is the highest code use the last one too.
  const int fields =
      static_cast<int>(low_mask<uint32_t>(f.exponent_bits)) + (f.nan == Nan::highest ? 1 : 0);
  const auto draw = [&](int shift, int n) { return static_cast<int>((r >> shift) & 0xFFFF) % n; };
  constexpr Mix mixes[] = {
      Mix::none,       Mix::none,         Mix::none,       Mix::none,
      Mix::some_zeros, Mix::mostly_zeros, Mix::subnormals, Mix::infinities_and_nans,
      Mix::any_code};
  const uint64_t s = scatter(r);
  const auto choose = [&](int shift, int n) { return static_cast<int>((s >> shift) & 0xFF) % n; };
  return {.top_field_a = draw(0, fields),
          .top_field_b = draw(16, fields),
          .spread = spreads[draw(32, 16)],
          .significands = static_cast<Significands>(choose(0, 4)),
          .signs = static_cast<Signs>(choose(8, 4)),
          .mix = mixes[choose(16, 9)],
          .addend = static_cast<Addend>(choose(24, 6))};
}

__device__ inline uint32_t trailing_bits(const Format& f, Significands kind, uint64_t r) {
  const auto mask = static_cast<uint32_t>(trailing_mask(f));
  switch (kind) {
    case Significands::random: return static_cast<uint32_t>(r) & mask;
    case Significands::all_ones: return mask;
    case Significands::power_of_two: return 0;
    case Significands::one_bit: return (1u << (r % static_cast<uint64_t>(f.trailing_bits))) & mask;
  }
  return 0;
}

// The infinity, or the NaN of a format that has none.
__device__ inline uint32_t beyond_finite(const Format& f) {
  return static_cast<uint32_t>(has_infinity(f) ? infinity_bits(f) : magnitude_mask(f));
}

// What the recipe's mixture makes of a code: most pass unchanged.
__device__ inline uint32_t mixed(const Format& f, Mix mix, uint32_t code, uint64_t r) {
  const auto chance = static_cast<uint32_t>(r >> 40) & 0xFF;
  const auto sign = code & static_cast<uint32_t>(sign_mask(f));
  switch (mix) {
    case Mix::none: return code;
    case Mix::some_zeros: return chance < 64 ? sign : code;
    case Mix::mostly_zeros: return chance < 200 ? sign : code;
    case Mix::subnormals:
      return chance < 64 ? code & ~static_cast<uint32_t>(exponent_mask(f)) : code;
    case Mix::infinities_and_nans:
      if (chance >= 4) return code;
      return chance < 2 ? sign | beyond_finite(f) : code | static_cast<uint32_t>(exponent_mask(f));
    case Mix::any_code: return static_cast<uint32_t>(r) & low_mask<uint32_t>(width(f));
  }
  return code;
}

// Element k of a row of A (side 0) or a column of B (side 1).
__device__ inline uint32_t factor_code(const Format& f, const Recipe& how, uint64_t index, int side,
                                       int line, int k) {
  const bool pairs =
      how.signs == Signs::cancelling_pairs || how.signs == Signs::nearly_cancelling_pairs;
  const bool second = pairs && k % 2 != 0;  // of a pair: like the first, A's sign turned
  const int source = second ? k - 1 : k;
  const uint64_t r =
      scatter(index * draws + static_cast<uint64_t>(side * 2048 + line * 32 + source));
  const int top = side == 0 ? how.top_field_a : how.top_field_b;
  const int drop = static_cast<int>((r >> 32) & 0xFF) % (how.spread + 1);
  const int field = top - drop < 0 ? 0 : top - drop;
  uint32_t code =
      (static_cast<uint32_t>(field) << f.trailing_bits) | trailing_bits(f, how.significands, r);
  const bool negative = how.signs != Signs::positive && ((r >> 63) != 0);
  if (negative) code |= static_cast<uint32_t>(sign_mask(f));
  code = mixed(f, how.mix, code, r);
  if (second && side == 0) {
    code ^= static_cast<uint32_t>(sign_mask(f));
    if (how.signs == Signs::nearly_cancelling_pairs) code ^= 1;
  }
  return code;
}

// C before anything is known of the sum; the two kinds that need the sum start from zero.
__device__ inline uint32_t addend_code(const Format& f, const Recipe& how, uint64_t index,
                                       int output) {
  const uint64_t r = scatter(index * draws + 4096 + static_cast<uint64_t>(output));
  const auto word = static_cast<uint32_t>(r);
  constexpr uint32_t sign = 0x8000'0000u;
  switch (how.addend) {
    case Addend::zero:
    case Addend::minus_sum:
    case Addend::nearly_minus_sum: return word & sign;
    case Addend::any_code: return word;
    case Addend::near_products: {
      const int products = how.top_field_a + how.top_field_b - 2 * f.bias;
      const int field = products + 127 + static_cast<int>((r >> 32) % 81) - 40;
      const int inside = field < 0 ? 0 : field > 254 ? 254 : field;
      return (static_cast<uint32_t>(inside) << 23) | (word & (sign | 0x007F'FFFFu));
    }
    case Addend::subnormal: return word & (sign | 0x007F'FFFFu);
  }
  return 0;
}

// C from the sum of the products alone, for the recipes that cancel it.
__device__ inline uint32_t cancelling(const Recipe& how, uint64_t index, int output, uint32_t sum) {
  const uint32_t minus = sum ^ 0x8000'0000u;
  if (how.addend == Addend::minus_sum) return minus;
  const uint64_t r = scatter(index * draws + 6144 + static_cast<uint64_t>(output));
  return minus ^ (1u << (r % 16));
}

}  // namespace ulpscope::cuda
