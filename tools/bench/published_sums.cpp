#include "published_sums.hpp"

#include "ulpscope/base/bits.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ulpscope::bench {

namespace {

constexpr int64_t terms = 16;
constexpr int fraction_bits = 25;
constexpr int zero_exponent = -133;

// ---- Significands as binary64 numbers ----

struct Parts {
  double significand;  // in [1, 2), less for subnormals
  int exponent;
};

Parts parts(double x) {
  int exponent = 0;
  const double half = std::frexp(x, &exponent);
  if (x > -0x1p-149 && x < 0x1p-149) return {0, zero_exponent};
  if (exponent - 1 < -126) return {std::ldexp(x, 126), -126};
  return {2 * half, exponent - 1};
}

double number(uint16_t code) {
  return static_cast<double>(bit_cast<float>(static_cast<uint32_t>(code) << 16));
}

// ---- Significands as integers ----

struct Product {
  bool negative;
  int16_t exponent;
  int32_t significand;
};

struct Lane16 {
  int32_t significand;
  int16_t exponent;
};

Lane16 lane_of(uint16_t code) {
  const int field = code >> 7 & 0xFF;
  const int trailing = code & 0x7F;
  if (field == 0) return {trailing, -126};
  return {trailing | 0x80, static_cast<int16_t>(field - 127)};
}

Product product(uint16_t a, uint16_t b) {
  const Lane16 x = lane_of(a);
  const Lane16 y = lane_of(b);
  const int32_t significand = x.significand * y.significand;
  if (significand == 0) return {false, zero_exponent, 0};
  return {((a ^ b) & 0x8000) != 0, static_cast<int16_t>(x.exponent + y.exponent),
          significand << (fraction_bits - 14)};
}

// One group, C first; the result is a term of the next.
Product group_sum(const std::vector<Product>& group) {
  int16_t largest = zero_exponent;
  for (const Product& term : group) largest = std::max(largest, term.exponent);
  int64_t sum = 0;
  for (const Product& term : group) {
    const int shift = largest - term.exponent;
    if (shift >= 32) continue;
    const int32_t cut = term.significand >> shift;
    sum += term.negative ? -cut : cut;
  }
  if (sum == 0) return {false, zero_exponent, 0};
  auto magnitude = static_cast<uint64_t>(sum < 0 ? -sum : sum);
  const int up = bit_width(magnitude) - 1 - fraction_bits;
  int exponent = largest + up;
  magnitude = up >= 0 ? magnitude >> up : magnitude << -up;
  if (exponent < -126) {
    magnitude >>= -126 - exponent;
    exponent = -126;
  }
  constexpr uint64_t below_binary32 = 3;  // 25 fraction bits to 23
  return {sum < 0, static_cast<int16_t>(exponent),
          static_cast<int32_t>(magnitude & ~below_binary32)};
}

}  // namespace

uint32_t sum_like_mma_sim(const uint16_t* a, const uint16_t* b, int64_t length) {
  double c = 0;
  for (int64_t first = 0; first < length; first += terms) {
    std::vector<double> significands;
    std::vector<int> exponents;
    const auto add_term = [&](const Parts& x, const Parts& y) {
      significands.push_back(x.significand * y.significand);
      exponents.push_back(x.exponent + y.exponent);
    };
    add_term(parts(c), {1, 0});
    for (int64_t k = first; k < first + terms; ++k)
      add_term(parts(number(a[k])), parts(number(b[k])));
    const int largest =
        std::max(zero_exponent, *std::max_element(exponents.begin(), exponents.end()));
    double sum = 0;
    for (size_t i = 0; i < significands.size(); ++i) {
      sum += std::trunc(std::ldexp(significands[i], fraction_bits + exponents[i] - largest));
    }
    const Parts result = parts(std::ldexp(sum, largest - fraction_bits));
    c = std::ldexp(std::trunc(std::ldexp(result.significand, 23)), result.exponent - 23);
  }
  return bit_cast<uint32_t>(static_cast<float>(c));
}

uint32_t sum_like_hawkeye(const uint16_t* a, const uint16_t* b, int64_t length) {
  std::vector<Product> group;
  group.reserve(terms + 1);
  group.push_back({false, zero_exponent, 0});
  for (int64_t k = 0; k < length; ++k) {
    group.push_back(product(a[k], b[k]));
    if (group.size() == terms + 1) {
      const Product sum = group_sum(group);
      group.clear();
      group.push_back(sum);
    }
  }
  const Product& sum = group.front();
  const auto significand = static_cast<uint32_t>(sum.significand) >> (fraction_bits - 23);
  if (significand == 0) return 0;
  return (sum.negative ? uint32_t{1} << 31 : 0) +
         (static_cast<uint32_t>(sum.exponent + 126) << 23) + significand;
}

}  // namespace ulpscope::bench
