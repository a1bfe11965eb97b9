// One value under its scale: to a code, and back.
//
//   mxfp8_e4m3, scale 2^-6: 5.2 / 2^-6 = 332.8 -> 320 (0x7A); back: 320 x 2^-6 = 5
//
// Encoding divides by the scale, in the way of the row, and rounds once more, to the element;
// beyond its largest number it saturates. Decoding multiplies in binary32: element x (block scale x
// tensor scale), the bracket first, each product rounded to nearest even.
//
// Zero is zero under every scale but NaN. Under the scale NaN a code means nothing: it is NaN where
// the format has one, and decodes as NaN in any case.
// Tested by tests/scaling/element_test.cpp.
#pragma once

#include "ulpscope/scaling/block_scale.hpp"

namespace ulpscope {

// The stored scales of a block, made ready for its elements.
struct ElementScale {
  Exact<uint64_t> exact;  // of the block alone
  Float32 decode;         // block times tensor
  Float32 encode;         // its reciprocal, at most the largest number; 0 where it is not used
  Float32 exponent;
  Float32 inverse_exponent;
  Float32 centre;
};

ULPSCOPE_HD constexpr ElementScale element_scale(const ScalingScheme& s, const TensorScale& tensor,
                                                 const BlockScale& block) {
  constexpr Float32 most = Float32::from_bits(0x7F7F'FFFF);
  const auto exact = decode<uint64_t>(s.scale, block.code);
  const Float32 both = to_float32(exact) * tensor.decode;
  Float32 encode;
  if (s.apply == Apply::reciprocal) {
    const Float32 wanted = Float32(1.0) / both;
    encode = wanted > most ? most : wanted;
  }
  return {exact, both, encode, block.exponent, Float32(1.0) / block.exponent, block.centre};
}

struct Encoded {
  uint32_t code;
  bool saturated;  // rounded to more than the largest number
};

namespace detail {

// Sign and magnitude of x, bent by the power.
ULPSCOPE_HD constexpr Float32 expanded(const ElementScale& scale, Float32 x) {
  const Float32 bent = power(abs(x) / scale.centre, scale.exponent);
  return x.bits() >> 31 != 0 ? -bent : bent;
}
ULPSCOPE_HD constexpr Float32 contracted(const ElementScale& scale, Float32 x) {
  const Float32 straight = power(abs(x), scale.inverse_exponent) * scale.centre;
  return x.bits() >> 31 != 0 ? -straight : straight;
}

// x over its scale.
ULPSCOPE_HD constexpr Exact<uint64_t> scaled(const ScalingScheme& s, const ElementScale& scale,
                                             Float32 x) {
  if (scale.exact.kind == Kind::nan) return scale.exact;
  if (exact_value(x).kind == Kind::zero) return exact_value(x);
  switch (s.apply) {
    case Apply::power_of_two: {
      auto y = exact_value(x);
      y.exponent -= exponent_of(scale.exact);
      return y;
    }
    case Apply::divide: return exact_value(x / scale.decode);
    case Apply::reciprocal: return exact_value(x * scale.encode);
  }
  return {};
}

}  // namespace detail

// `mode` is the direction of the last rounding, to an element; a codebook knows nearest only.
ULPSCOPE_HD constexpr Encoded encode(const ScalingScheme& s, const ElementScale& scale, Float32 x,
                                     Mode mode) {
  const Float32 bent = s.expansion == Expansion::power ? detail::expanded(scale, x) : x;
  const auto y = detail::scaled(s, scale, bent);
  if (s.codebook != nullptr) return {nearest_code(*s.codebook, to_float32(y)), false};
  const auto rounded = round_pack(s.element, y, Rounding{mode, {.overflow = Overflow::saturate}});
  return {static_cast<uint32_t>(rounded.bits), has(rounded.flags, Flag::overflow)};
}

ULPSCOPE_HD constexpr Float32 decode_element(const ScalingScheme& s, const ElementScale& scale,
                                             uint32_t code) {
  const Float32 element = s.codebook != nullptr ? level_value(*s.codebook, code)
                                                : to_float32(decode<uint64_t>(s.element, code));
  const Float32 x = element * scale.decode;
  return s.expansion == Expansion::power ? detail::contracted(scale, x) : x;
}

}  // namespace ulpscope
