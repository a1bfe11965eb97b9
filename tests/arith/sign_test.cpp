#include "ulpscope/arith/sign.hpp"

#include <cmath>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

double smallest_normal(const Format& f) {
  return std::ldexp(1.0, (f.zero == Zero::none ? 0 : 1) - f.bias);
}

NumberClass expected_class(const Format& f, uint64_t code) {
  const double x = plain::value(f, code);
  if (plain::signals(f, code)) return NumberClass::signalling_nan;
  if (std::isnan(x)) return NumberClass::quiet_nan;
  const bool minus = std::signbit(x);
  if (std::isinf(x)) return minus ? NumberClass::negative_infinity : NumberClass::positive_infinity;
  if (plain::equal(x, 0)) return minus ? NumberClass::negative_zero : NumberClass::positive_zero;
  if (std::fabs(x) >= smallest_normal(f)) {
    return minus ? NumberClass::negative_normal : NumberClass::positive_normal;
  }
  return minus ? NumberClass::negative_subnormal : NumberClass::positive_subnormal;
}

}  // namespace

TEST_CASE("the class of every code of small formats is that of its value") {
  for (const auto& [name, f] : plain::small_formats()) {
    bool good = true;
    for (uint64_t code = 0; code < plain::count(f); ++code) {
      const NumberClass found = number_class(f, code);
      const bool normal =
          found == NumberClass::negative_normal || found == NumberClass::positive_normal;
      good = good && found == expected_class(f, code) && is_normal(f, code) == normal;
    }
    CHECK_MESSAGE(good, name);
  }
}

TEST_CASE("absolute values and copied signs are those of doubles, where there is a sign") {
  for (const auto& [name, f] : plain::small_formats()) {
    bool good = true;
    for (uint64_t x = 0; x < plain::count(f); ++x) {
      const double value = plain::value(f, x);
      good = good && plain::same(plain::value(f, absolute_bits(f, x)), std::fabs(value));
      if (!std::isnan(value)) good = good && is_sign_minus(f, x) == std::signbit(value);
      for (const uint64_t y : {uint64_t{0x3C00}, uint64_t{0x8000}, uint64_t{0xFE00}}) {  // fp16
        const double held =
            f.sign == Sign::absent || (plain::equal(value, 0) && f.zero != Zero::both)
                ? std::fabs(value)
                : std::copysign(value, y >= 0x8000 ? -1.0 : 1.0);
        good = good && plain::same(plain::value(f, copy_sign_bits(f, x, fp16, y)), held);
      }
    }
    CHECK_MESSAGE(good, name);
  }
}

TEST_CASE("the sign of an IEEE NaN changes without a word, and its payload stays") {
  CHECK(absolute_bits(fp16, 0xFC01) == 0x7C01);
  CHECK(copy_sign_bits(fp16, 0x7C01, bf16, 0x8000) == 0xFC01);
  CHECK(is_sign_minus(fp16, 0xFC01));
}

TEST_CASE("the one NaN of fnuz has no sign to take or give") {
  CHECK_FALSE(is_sign_minus(e4m3fnuz, 0x80));
  CHECK(absolute_bits(e4m3fnuz, 0x80) == 0x80);
  CHECK(copy_sign_bits(e4m3fnuz, 0x80, fp16, 0x8000) == 0x80);
  CHECK(copy_sign_bits(fp16, 0x3C00, e4m3fnuz, 0x80) == 0x3C00);
  CHECK(copy_sign_bits(e4m3fnuz, 0x00, fp16, 0x8000) == 0x00);
}

TEST_CASE("signs on Soft") {
  using B = Soft<bf16>;
  CHECK(copy_sign(B(3), B(-0.0)) == B(-3));
  CHECK(copy_sign(B(-3), Soft<fp32>(1)) == B(3));
  CHECK(is_sign_minus(B(-0.0)));
  CHECK(number_class(B::from_bits(0x8001)) == NumberClass::negative_subnormal);
  CHECK(number_class(Soft<fp16>::from_bits(0x7C01)) == NumberClass::signalling_nan);
}
