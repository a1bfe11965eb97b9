// Scales of blocks: by hand, at the ends of the range, and for every magnitude of bf16 against
// logarithms of the host's library.
#include "ulpscope/scaling/block_scale.hpp"

#include "ulpscope/round/value.hpp"
#include "ulpscope/scaling/schemes.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Extent extent(std::initializer_list<double> values) {
  Extent all;
  for (const double x : values) all.add(Float32(x));
  return all;
}

uint32_t code_of(const ScalingScheme& s, std::initializer_list<double> values) {
  const Extent block = extent(values);
  return block_scale(s, tensor_scale(s, block), block).code;
}

ScalingScheme with_rule(std::string_view scheme, std::string_view rule) {
  ScalingScheme s = scheme_named(scheme);
  s.rule = scale_rule_named(rule);
  return s;
}

// Exponents of e8m0fnu codes: code 127 is 2^0.
int exponent(std::string_view scheme, std::string_view rule, double largest) {
  return static_cast<int>(code_of(with_rule(scheme, rule), {largest})) - 127;
}

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("an extent is of magnitudes, merges in any order, and leaves out what is not finite") {
  const Extent all = extent({-3.0, 0.5, 2.0});
  CHECK(all.largest == Float32(3.0).bits());
  CHECK(all.smallest == Float32(0.5).bits());
  CHECK_FALSE(all.has_special);
  Extent left = extent({-3.0});
  const Extent right = extent({0.5, 2.0});
  Extent other = right;
  other.merge(left);
  left.merge(right);
  CHECK(left == all);
  CHECK(other == all);
  const Extent special = extent({1.0, -infinity, not_a_number});
  CHECK(special.has_special);
  CHECK(special.largest == Float32(1.0).bits());
  left.merge(special);
  CHECK(left.has_special);
}

TEST_CASE("the four MX rules at the largest element, between its binades, and at a tie") {
  // e2m1fn: largest 6 = 1.5 x 2^2.
  const auto check = [](double largest, int floor, int ceil, int rceil, int even) {
    CAPTURE(largest);
    CHECK(exponent("mxfp4", "floor", largest) == floor);
    CHECK(exponent("mxfp4", "ceil", largest) == ceil);
    CHECK(exponent("mxfp4", "rceil", largest) == rceil);
    CHECK(exponent("mxfp4", "even", largest) == even);
  };
  check(4, 0, 0, 0, 0);
  check(4.5, 0, 1, 0, 0);
  check(6, 0, 1, 0, 0);
  check(6.5, 0, 1, 1, 0);
  check(6.984375, 0, 1, 1, 0);
  check(7, 0, 1, 1, 1);  // 1.75: a tie of the two-bit significand goes away, to 2.0
  check(7.5, 0, 1, 1, 1);
  check(8, 1, 1, 1, 1);
  check(-6.5, 0, 1, 1, 0);
}

TEST_CASE("the scale of 5.2 in mxfp8_e4m3 is 2^-6") {
  CHECK(code_of(scheme_named("mxfp8_e4m3"), {5.2, -0.3}) == 0x79);
}

TEST_CASE("rounding up begins one binary32 step above a multiple of the largest") {
  const double above = 448 * (1 + 0x1p-23);
  CHECK(exponent("mxfp8_e4m3", "rceil", 448) == 0);
  CHECK(exponent("mxfp8_e4m3", "rceil", above) == 1);
  CHECK(exponent("mxfp6_e2m3", "rceil", 7.5) == 0);
  CHECK(exponent("mxfp6_e2m3", "rceil", 7.5 + 0x1p-21) == 1);
}

TEST_CASE("scales are held at the ends of e8m0fnu") {
  for (const char* rule : {"floor", "ceil", "rceil", "even"}) {
    CHECK(exponent("mxfp8_e4m3", rule, 0x1p-149) == -127);
    CHECK(exponent("mxfp8_e4m3", rule, 0x1p-126) == -127);
    CHECK(exponent("mxfp8_e4m3", rule, 0x1p-118) <= -126);
  }
  CHECK(exponent("mxfp8_e4m3", "floor", 0x1.fffffep127) == 119);
  CHECK(exponent("mxfp8_e4m3", "ceil", 0x1.fffffep127) == 120);
  CHECK(exponent("mxfp8_e4m3", "rceil", 0x1.fffffep127) == 120);
  CHECK(exponent("mxfp8_e4m3", "even", 0x1.fffffep127) == 120);
}

TEST_CASE("a block of zeros has the smallest scale") {
  CHECK(code_of(scheme_named("mxfp4"), {0.0, -0.0}) == 0);
  for (const char* scheme : {"nvfp4", "absmax-group", "coat", "nf4"}) {
    CHECK(code_of(scheme_named(scheme), {0.0, -0.0}) == 0);
  }
}

TEST_CASE("an infinity or a NaN makes the scale NaN") {
  for (const auto& row : schemes) {
    CAPTURE(row.name);
    CHECK(is_nan(row.scheme.scale, code_of(row.scheme, {1.0, infinity})));
    CHECK(is_nan(row.scheme.scale, code_of(row.scheme, {-infinity})));
    CHECK(is_nan(row.scheme.scale, code_of(row.scheme, {not_a_number, 2.0})));
  }
  CHECK(code_of(scheme_named("mxfp4"), {not_a_number}) == 0xFF);
  CHECK(code_of(scheme_named("nvfp4"), {not_a_number}) == 0x7F);
}

TEST_CASE("every magnitude of bf16 has the scale that exact logarithms give") {
  struct Row {
    const char* scheme;
    int trailing;
    int emax;
    double largest;
  };
  for (const auto& [scheme, trailing, emax, largest] :
       {Row{"mxfp8_e4m3", 3, 8, 448}, Row{"mxfp8_e5m2", 2, 15, 57344}, Row{"mxfp6_e2m3", 3, 2, 7.5},
        Row{"mxfp6_e3m2", 2, 4, 28}, Row{"mxfp4", 1, 2, 6}}) {
    for (uint32_t code = 1; code < 0x7F80; ++code) {
      const double x = double_value(bf16, code);
      int binade = 0;
      const double half = std::frexp(x, &binade);  // x = half 2^binade, half in [1/2, 1)
      const int floor = binade - 1 - emax;
      const int ceil = half > 0.5 ? floor + 1 : floor;
      int above = -200;
      while (std::ldexp(largest, above) < x) ++above;
      const bool carries = half >= 1 - std::ldexp(1, -trailing - 2);
      const auto held = [](int e) { return std::max(e, -127); };
      CAPTURE(scheme);
      CAPTURE(code);
      REQUIRE(exponent(scheme, "floor", x) == held(floor));
      REQUIRE(exponent(scheme, "ceil", x) == held(ceil));
      REQUIRE(exponent(scheme, "rceil", x) == held(above));
      REQUIRE(exponent(scheme, "even", x) == held(carries ? floor + 1 : floor));
    }
  }
}

TEST_CASE("NVFP4: the tensor's largest value gets a block scale of 448") {
  const auto s = scheme_named("nvfp4");
  const Extent all = extent({-12.0, 3.0, 0.001});
  const TensorScale tensor = tensor_scale(s, all);
  CHECK(tensor.encode == Float32(224.0));  // 6 x 448 / 12
  CHECK(tensor.decode == Float32(1.0 / 224));
  CHECK(block_scale(s, tensor, all).code == 0x7E);
  CHECK(block_scale(s, tensor, extent({3.0})).code == 0x6E);  // 3/6 x 224 = 112
  // 0.001/6 x 224 = 0.0373: rounded to 0.0390625 = 1.25 x 2^-5
  CHECK(block_scale(s, tensor, extent({0.001})).code == 0x12);
}

TEST_CASE("NVFP4: a tensor of zeros or of subnormals keeps finite scales") {
  const auto s = scheme_named("nvfp4");
  CHECK(tensor_scale(s, extent({0.0})).decode == Float32(1.0));
  const TensorScale tiny = tensor_scale(s, extent({0x1p-149}));
  CHECK(tiny.encode.bits() == 0x7F7F'FFFF);
  CHECK(Float32(0.0) < tiny.decode);
}

TEST_CASE("NVFP4: infinities and NaN stay out of the scale of the tensor") {
  const auto s = scheme_named("nvfp4");
  CHECK(tensor_scale(s, extent({12.0, infinity, not_a_number})).encode == Float32(224.0));
}

TEST_CASE("the scale of absmax is amax over the largest element, rounded once") {
  CHECK(code_of(scheme_named("absmax-group"), {-5.0, 1.0}) == Float32(5.0 / 448).bits());
  CHECK(code_of(scheme_named("nf4"), {-5.0, 1.0}) == Float32(5.0).bits());
}

TEST_CASE("COAT: k is the largest multiple of 1/8 that keeps the group in the format") {
  const auto exponent_for = [](double ratio) {
    return static_cast<double>(detail::expansion_exponent(Float32(ratio), Float32(448.0)));
  };
  // log2(448^2 / 2) = 16.6147
  CHECK(exponent_for(1e3) == doctest::Approx(1.625));  // 16.61 / 9.966 = 1.667
  CHECK(exponent_for(16) == doctest::Approx(4.125));   // 4.1537
  CHECK(exponent_for(100352) == doctest::Approx(1.0));
  CHECK(exponent_for(100353) == doctest::Approx(0.875));
  CHECK(exponent_for(100352.0 * 100352.0) == doctest::Approx(0.5));
  CHECK(exponent_for(1) == doctest::Approx(1 << 20));
  CHECK(exponent_for(1 + 0x1p-23) == doctest::Approx(1 << 20));
  CHECK(exponent_for(0x1p127) == doctest::Approx(0.125));
  CHECK(exponent_for(infinity) == doctest::Approx(0.125));
  const auto e5m2_exponent =
      static_cast<double>(detail::expansion_exponent(Float32(1e3), Float32(57344.0)));
  CHECK(e5m2_exponent == doctest::Approx(3.0));  // log2(57344^2 / 2) = 30.615 over 9.966: 3.07
}

TEST_CASE("COAT: the centre is the geometric mean, and the scale that of the bent maximum") {
  const auto s = scheme_named("coat");
  const Extent group = extent({16.0, -1.0, 4.0});
  const BlockScale block = block_scale(s, tensor_scale(s, group), group);
  CHECK(block.centre == Float32(4.0));
  CHECK(block.exponent == Float32(4.125));
  const double expected = std::pow(4.0, 4.125) / 448;
  const double found = double_value(fp32, block.code);
  CHECK(std::abs(found / expected - 1) < 0x1p-22);
}
