// What makes a row a scheme.
#include "ulpscope/scaling/schemes.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("the largest element is the divisor of a scale") {
  CHECK(largest_element(scheme_named("mxfp8_e4m3")) == Float32(448.0));
  CHECK(largest_element(scheme_named("mxfp8_e5m2")) == Float32(57344.0));
  CHECK(largest_element(scheme_named("mxfp6_e2m3")) == Float32(7.5));
  CHECK(largest_element(scheme_named("mxfp6_e3m2")) == Float32(28.0));
  CHECK(largest_element(scheme_named("mxfp4")) == Float32(6.0));
  CHECK(largest_element(scheme_named("nf4")) == Float32(1.0));
}

TEST_CASE("an element has as many bits as its format or codebook") {
  CHECK(element_bits(scheme_named("mxfp8_e4m3")) == 8);
  CHECK(element_bits(scheme_named("mxfp6_e3m2")) == 6);
  CHECK(element_bits(scheme_named("nvfp4")) == 4);
  CHECK(element_bits(scheme_named("nf4")) == 4);
}

TEST_CASE("a scheme is valid if binary32 holds its elements and scales") {
  auto s = scheme_named("absmax-group");
  s.element = fp16;
  CHECK(is_valid(s));
  s.element = fp64;
  CHECK_FALSE(is_valid(s));
  s = scheme_named("absmax-group");
  s.scale = fp64;
  CHECK_FALSE(is_valid(s));
  s = scheme_named("absmax-group");
  s.block = -1;
  CHECK_FALSE(is_valid(s));
}

TEST_CASE("the exact division takes scales that are powers of two, and nothing beside") {
  auto s = scheme_named("mxfp4");
  s.scale = e4m3fn;
  CHECK_FALSE(is_valid(s));
  s = scheme_named("mxfp4");
  s.tensor = TensorScaling::present;
  CHECK_FALSE(is_valid(s));
  s = scheme_named("mxfp4");
  s.codebook = &nf4_codebook;
  CHECK_FALSE(is_valid(s));
  s = scheme_named("absmax-group");
  s.rule = floor_rule;
  CHECK_FALSE(is_valid(s));
  s.rule = rceil_rule;
  CHECK(is_valid(s));
}

TEST_CASE("an expansion needs elements that reach 2") {
  auto s = scheme_named("coat");
  s.element = e2m1fn;
  CHECK(is_valid(s));
  s.element = Format{.exponent_bits = 3, .trailing_bits = 2, .bias = 20};
  CHECK_FALSE(is_valid(s));
  s = scheme_named("coat");
  s.codebook = &nf4_codebook;
  CHECK_FALSE(is_valid(s));
}
