// One value under its scale: by hand, and every value of bf16 in every MX format and rule against a
// search through the element's values.
#include "ulpscope/scaling/element.hpp"

#include "ulpscope/round/value.hpp"
#include "ulpscope/scaling/schemes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// A block of one value, which is the whole tensor.
struct Single {
  BlockScale block;
  Encoded encoded;
  Float32 decoded;
};

Single single(const ScalingScheme& s, Float32 x, Mode mode = Mode::nearest_even) {
  Extent extent;
  extent.add(x);
  const TensorScale tensor = tensor_scale(s, extent);
  const BlockScale block = block_scale(s, tensor, extent);
  const ElementScale scale = element_scale(s, tensor, block);
  const Encoded encoded = encode(s, scale, x, mode);
  return {block, encoded, decode_element(s, scale, encoded.code)};
}

ElementScale scale_of(const ScalingScheme& s, uint32_t code) {
  return element_scale(s, {}, {code});
}

// The nearest of the format's magnitudes, ties to the even code, beyond the last one the last.
uint64_t nearest_magnitude(const std::vector<double>& values, double y) {
  const auto above = std::lower_bound(values.begin(), values.end(), y);
  if (above == values.end()) return values.size() - 1;
  const auto code = static_cast<uint64_t>(above - values.begin());
  if (code == 0) return 0;
  const double up = *above - y;
  const double down = y - *(above - 1);
  if (up < down) return code;
  if (down < up) return code - 1;
  return code % 2 == 0 ? code : code - 1;
}

bool same(double x, double y) { return !(x < y) && !(y < x); }

}  // namespace

TEST_CASE("the example of the header") {
  const auto s = scheme_named("mxfp8_e4m3");
  const auto scale = scale_of(s, 0x79);
  CHECK(encode(s, scale, Float32(5.2), Mode::nearest_even).code == 0x7A);
  CHECK(decode_element(s, scale, 0x7A) == Float32(5.0));
}

TEST_CASE("every bf16 value as a block of one, in every MX format and rule") {
  for (const char* name : {"mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4"}) {
    for (const auto& rule : scale_rules) {
      if (rule.rule == absmax_rule) continue;
      ScalingScheme s = scheme_named(name);
      s.rule = rule.rule;
      const Format& f = s.element;
      std::vector<double> values;
      for (uint64_t c = 0; c <= largest_finite_bits(f); ++c) values.push_back(double_value(f, c));
      for (uint32_t code = 0; code < 0x1'0000; ++code) {
        const double x = double_value(bf16, code);
        if (!std::isfinite(x)) continue;
        const auto found = single(s, Float32(x));
        const int shift = static_cast<int>(found.block.code) - 127;
        const double y = std::ldexp(std::abs(x), -shift);
        const uint64_t magnitude = nearest_magnitude(values, y);
        CAPTURE(name);
        CAPTURE(rule.name);
        CAPTURE(code);
        REQUIRE(found.encoded.code == (magnitude | ((code >> 15) != 0 ? sign_mask(f) : 0)));
        const double back = std::ldexp(values[magnitude], shift);
        const double wanted = static_cast<double>(static_cast<float>(std::copysign(back, x)));
        REQUIRE(same(static_cast<double>(found.decoded), wanted));
      }
    }
  }
}

TEST_CASE("every element value is its own image where nothing saturates") {
  for (const auto& row : schemes) {
    if (row.scheme.scale.trailing_bits != 0) continue;
    ScalingScheme s = row.scheme;
    s.rule = rceil_rule;
    const uint64_t largest = largest_finite_bits(s.element);
    for (uint64_t code = 0; code <= largest; ++code) {
      for (const int shift : {-60, -1, 0, 90}) {
        const double x = std::ldexp(double_value(s.element, code), shift);
        const auto found = single(s, Float32(x));
        CHECK(found.decoded == Float32(x));
        CHECK_FALSE(found.encoded.saturated);
        CHECK(single(s, Float32(-x)).decoded == Float32(-x));
      }
    }
  }
}

TEST_CASE("the floor rule saturates what lies above the largest significand, and says so") {
  const auto s = scheme_named("mxfp8_e4m3");
  const auto clamped = single(s, Float32(1.875));  // 480 in units of 2^-8; the largest is 448
  CHECK(clamped.encoded.saturated);
  CHECK(clamped.decoded == Float32(1.75));
  const auto rounded = single(s, Float32(1.8125));  // 464, the tie of 448 and 480: to even, 448
  CHECK_FALSE(rounded.encoded.saturated);
  CHECK(rounded.decoded == Float32(1.75));
}

TEST_CASE("the direction of the last rounding is the caller's") {
  const auto s = scheme_named("mxfp4");
  const auto scale = scale_of(s, 127);
  CHECK(encode(s, scale, Float32(2.5), Mode::nearest_even).code == 4);  // 2
  CHECK(encode(s, scale, Float32(2.5), Mode::nearest_away).code == 5);  // 3
  CHECK(encode(s, scale, Float32(2.9), Mode::toward_zero).code == 4);
  CHECK(encode(s, scale, Float32(2.1), Mode::up).code == 5);
  CHECK(encode(s, scale, Float32(-2.1), Mode::up).code == 12);
}

TEST_CASE("zeros keep their signs under every scale but NaN") {
  for (const auto& row : schemes) {
    CAPTURE(row.name);
    const auto& s = row.scheme;
    CHECK(single(s, Float32(0.0)).decoded.bits() == 0);
    const uint32_t minus = single(s, Float32(-0.0)).decoded.bits();
    CHECK(minus == (s.codebook != nullptr ? 0U : 0x8000'0000U));
  }
}

TEST_CASE("whatever is in a block of NaN decodes as NaN") {
  for (const auto& row : schemes) {
    CAPTURE(row.name);
    const auto& s = row.scheme;
    const auto scale = scale_of(s, static_cast<uint32_t>(nan_bits(s.scale)));
    for (const double x : {0.0, 1.0, -3.0}) {
      const auto encoded = encode(s, scale, Float32(x), Mode::nearest_even);
      CHECK(isnan(decode_element(s, scale, encoded.code)));
      CHECK_FALSE(encoded.saturated);
    }
    CHECK(isnan(single(s, Float32(std::numeric_limits<double>::infinity())).decoded));
  }
}

TEST_CASE("NVFP4 by hand") {
  // Tensor: 12 is the largest value, encode 224. Block: 3 / 6 x 224 = 112 = 1.75 x 2^6, exact. The
  // reciprocal of 112 / 224 is 2: 3 -> 6, 0.6 -> 1.2 -> 1, 0.13 -> 0.26 -> 0.5.
  const auto s = scheme_named("nvfp4");
  Extent all;
  all.add(Float32(12.0));
  const TensorScale tensor = tensor_scale(s, all);
  Extent block;
  block.add(Float32(3.0));
  const auto scale = element_scale(s, tensor, block_scale(s, tensor, block));
  CHECK(scale.encode == Float32(2.0));
  CHECK(encode(s, scale, Float32(3.0), Mode::nearest_even).code == 7);
  CHECK(encode(s, scale, Float32(0.6), Mode::nearest_even).code == 2);
  CHECK(encode(s, scale, Float32(-0.13), Mode::nearest_even).code == 9);
  CHECK(decode_element(s, scale, 7) == Float32(3.0));
  CHECK(decode_element(s, scale, 9) == Float32(-0.25));
}

TEST_CASE("NVFP4: a block whose scale rounds to zero decodes to zeros") {
  const auto s = scheme_named("nvfp4");
  Extent all;
  all.add(Float32(1.0));
  Extent block;
  block.add(Float32(0x1p-30));
  const TensorScale tensor = tensor_scale(s, all);
  const BlockScale stored = block_scale(s, tensor, block);
  CHECK(stored.code == 0);
  const auto scale = element_scale(s, tensor, stored);
  CHECK(scale.encode.bits() == 0x7F7F'FFFF);
  const auto encoded = encode(s, scale, Float32(-0x1p-30), Mode::nearest_even);
  CHECK(encoded.saturated);
  CHECK(decode_element(s, scale, encoded.code).bits() == 0x8000'0000U);
}

TEST_CASE("COAT: the ends of a group are stored exactly, up to binary32") {
  const auto s = scheme_named("coat");
  Extent group;
  for (const double x : {0.125, -2.0, 8.0}) group.add(Float32(x));
  const BlockScale block = block_scale(s, {}, group);
  const auto scale = element_scale(s, {}, block);
  const auto top = encode(s, scale, Float32(8.0), Mode::nearest_even);
  CHECK(top.code == 0x7E);
  CHECK_FALSE(top.saturated);
  const auto back = static_cast<double>(decode_element(s, scale, top.code));
  CHECK(std::abs(back / 8 - 1) < 0x1p-20);
  const auto minus = encode(s, scale, Float32(-2.0), Mode::nearest_even);
  CHECK((minus.code & 0x80) != 0);
}
