// From the magnitudes of a tensor and of a block to the scales that are stored with them.
//
//   mxfp8_e4m3, a block whose largest magnitude is 5.2: 2^floor(log2 5.2) / 2^8 = 2^-6, code 0x79
//
// Magnitudes are compared as binary32 codes, so an extent merges in any order and a tensor may be
// read in any pieces. A block that holds an infinity or a NaN has the scale NaN, and everything in
// it decodes as NaN; the scale of a tensor is that of its finite values, so that one bad value
// spoils a block and no more. A block of zeros has the smallest scale there is, which is 0 where
// the format has one.
//
// Sources: OCP MX 1.0, 6.3 (floor, NaN and infinity left open); torchao's to_mx for the other
// rules (see schemes.hpp); NVIDIA 2025, arXiv 2509.25149, appendix C for the two levels of NVFP4;
// COAT's public kernel for the expansion. Tested by tests/scaling/block_scale_test.cpp.
#pragma once

#include "ulpscope/scaling/scheme.hpp"

namespace ulpscope {

// The range of some values' magnitudes, as codes of binary32.
struct Extent {
  uint32_t largest = 0;
  uint32_t smallest = 0x7F7F'FFFF;
  bool has_special = false;  // an infinity or NaN, which is left out of the range

  ULPSCOPE_HD constexpr void add(Float32 x) {
    const uint32_t magnitude = x.bits() & 0x7FFF'FFFFU;
    if (magnitude >= 0x7F80'0000U) {
      has_special = true;
      return;
    }
    if (magnitude > largest) largest = magnitude;
    if (magnitude < smallest) smallest = magnitude;
  }
  ULPSCOPE_HD constexpr void merge(const Extent& other) {
    if (other.largest > largest) largest = other.largest;
    if (other.smallest < smallest) smallest = other.smallest;
    has_special = has_special || other.has_special;
  }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

// The scale of a whole tensor: values are multiplied by `encode`, results by `decode`, which is
// what is stored. 1 in a scheme without.
struct TensorScale {
  Float32 encode = Float32(1.0);
  Float32 decode = Float32(1.0);
};

// NVFP4: the largest value of the tensor becomes the largest of an element times that of a scale.
ULPSCOPE_HD constexpr TensorScale tensor_scale(const ScalingScheme& s, const Extent& all) {
  switch (s.tensor) {
    case TensorScaling::absent: return {};
    case TensorScaling::present: {
      if (all.largest == 0) return {};
      constexpr Float32 most = Float32::from_bits(0x7F7F'FFFF);
      const Float32 range =
          largest_element(s) * to_float32(decode<uint64_t>(s.scale, largest_finite_bits(s.scale)));
      const Float32 wanted = range / Float32::from_bits(all.largest);
      const Float32 encode = wanted < most ? wanted : most;
      return {encode, Float32(1.0) / encode};
    }
  }
  return {};
}

// What is stored of a block. Exponent and centre are 1 in a scheme without expansion.
struct BlockScale {
  uint32_t code;
  Float32 exponent = Float32(1.0);
  Float32 centre = Float32(1.0);
};

namespace detail {

// A logarithm as an operand of divide, which wants room above 62 bits and knows no sticky ones.
ULPSCOPE_HD constexpr Exact<uint64_t> as_operand(Exact<uint64_t> x) {
  const int excess = bit_width(x.significand) > 62 ? bit_width(x.significand) - 62 : 0;
  x.significand >>= excess;
  x.exponent += excess;
  x.sticky = false;
  return x;
}

// k: the largest multiple of 1/8 with ratio^k at most largest^2 / 2, in 1/8 .. 2^20. A quotient of
// logarithms that is within 2^-45 of a multiple from below counts as reaching it; a ratio of 1,
// which every power leaves alone, takes the largest k.
ULPSCOPE_HD constexpr Float32 expansion_exponent(Float32 ratio, Float32 largest) {
  constexpr int64_t most = int64_t{1} << 23;
  if (exact_value(ratio).kind == Kind::infinity) return Float32(0.125);
  const auto bound = multiply(exact_value(largest), exact_value(largest));
  const auto reach = log2_value({bound.significand, bound.exponent - 1, Kind::finite});
  const auto spread = log2_value(exact_value(ratio));
  if (spread.kind == Kind::zero) return Float32(1 << 20);
  const auto quotient = divide(as_operand(reach), as_operand(spread));
  const uint64_t up = quotient.significand + (quotient.significand >> 45);
  const int shift = -(quotient.exponent + 3);  // to eighths
  const int64_t eighths = shift >= 64 ? 0 : shift <= 38 ? most : static_cast<int64_t>(up >> shift);
  const int64_t held = eighths < 1 ? 1 : eighths > most ? most : eighths;
  return to_float32(
      {.significand = static_cast<uint64_t>(held), .exponent = -3, .kind = Kind::finite});
}

// The square root of a product of two, rounded once.
ULPSCOPE_HD constexpr Float32 geometric_mean(Float32 x, Float32 y) {
  return to_float32(square_root(multiply(exact_value(x), exact_value(y))));
}

ULPSCOPE_HD constexpr Exact<uint64_t> top_of(const ScalingScheme& s, Float32 largest) {
  switch (s.rule.top) {
    case Top::exact: break;
    case Top::as_element: {
      const Format wide = ieee_like(10, s.element.trailing_bits);
      return decode<uint64_t>(wide, round_pack(wide, exact_value(largest), nearest_away).bits);
    }
  }
  return exact_value(largest);
}

// The largest magnitude over the divisor.
ULPSCOPE_HD constexpr Exact<uint64_t> quotient_of(const ScalingScheme& s, const TensorScale& tensor,
                                                  Float32 largest) {
  switch (s.rule.divisor) {
    case Divisor::largest: return exact_value(largest / largest_element(s) * tensor.encode);
    case Divisor::binade: {
      auto top = top_of(s, largest);
      top.exponent -= exponent_of(exact_value(largest_element(s)));
      return top;
    }
  }
  return {};
}

}  // namespace detail

ULPSCOPE_HD constexpr BlockScale block_scale(const ScalingScheme& s, const TensorScale& tensor,
                                             const Extent& block) {
  if (block.has_special) return {static_cast<uint32_t>(nan_bits(s.scale))};
  if (block.largest == 0) {
    const uint64_t code = s.scale.zero == Zero::none ? smallest_positive_bits(s.scale) : 0;
    return {static_cast<uint32_t>(code)};
  }
  BlockScale result{};
  Float32 largest = Float32::from_bits(block.largest);
  switch (s.expansion) {
    case Expansion::none: break;
    case Expansion::power: {
      constexpr Float32 least(1e-20);
      const Float32 high = largest + least;
      const Float32 low = Float32::from_bits(block.smallest) + least;
      result.exponent = detail::expansion_exponent(high / low, largest_element(s));
      result.centre = detail::geometric_mean(high, low);
      largest = power(high / result.centre, result.exponent);
    }
  }
  const auto quotient = detail::quotient_of(s, tensor, largest);
  const Rounding rounding{s.rule.mode, {.overflow = Overflow::saturate}};
  result.code = static_cast<uint32_t>(round_pack(s.scale, quotient, rounding).bits);
  return result;
}

}  // namespace ulpscope
