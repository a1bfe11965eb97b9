// Exact dot products against whole numbers of any size: every format, narrow and wide spreads.
#include "ulpscope/attention/exact_dot.hpp"

#include "attention/problems.hpp"
#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Integer = boost::multiprecision::cpp_int;

constexpr int point = 400;  // integers are in units of 2^-400

Integer integer(const Format& f, uint64_t code) {
  const auto x = decode<uint64_t>(f, code);
  if (x.kind == Kind::zero) return 0;
  const Integer magnitude = Integer(x.significand) << (x.exponent + point / 2);
  return x.negative ? Integer(-magnitude) : magnitude;
}

// Whether `exact` is the integer, or its 126 highest bits with something left below.
bool is_value(const Exact<uint128>& exact, const Integer& expected) {
  if (expected == 0) return exact.kind == Kind::zero;
  if (exact.kind != Kind::finite || exact.negative != (expected < 0)) return false;
  const Integer magnitude = abs(expected);
  const Integer significand = (Integer(static_cast<uint64_t>(exact.significand >> 64)) << 64) +
                              static_cast<uint64_t>(exact.significand);
  const int shift = exact.exponent + point;
  const Integer rest = shift >= 0 ? Integer(magnitude - (significand << shift))
                                  : Integer((magnitude << -shift) - significand);
  if (!exact.sticky) return rest == 0;
  return bit_width(exact.significand) == 126 && rest > 0 && shift >= 0 &&
         rest < Integer(1) << shift;
}

// Random rows of two formats; says how many dot products had to leave bits below.
int check_random(uint64_t seed, const Format& fa, const Format& fb, int spread) {
  constexpr int64_t rows = 6;
  constexpr int64_t length = 48;
  Random random(seed);
  Operand a(fa, rows, length);
  Operand b(fb, rows, length);
  for (auto* operand : {&a, &b}) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < length; ++k) {
        const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
        const double x = std::ldexp(random.below(9) == 0 ? 0.0 : random.bell(), n);
        const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
        operand->set(r, k, round_pack(operand->format(), exact, toward_zero).bits);
      }
    }
  }
  AlignedRows x(rows, length);
  AlignedRows y(rows, length);
  x.align(a, 0, 0);
  y.align(b, 0, 0);
  int sticky = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < rows; ++j) {
      const int64_t shown = j % 2 == 0 ? length : length - 5;
      Integer expected = 0;
      for (int64_t k = 0; k < shown; ++k) {
        expected += integer(fa, a.codes(i)[k]) * integer(fb, b.codes(j)[k]);
      }
      const auto dot = exact_dot(x, i, y, j, shown);
      REQUIRE(is_value(dot, expected));
      sticky += dot.sticky;
    }
  }
  return sticky;
}

}  // namespace

TEST_CASE("dot products of rows with near exponents are exact") {
  for (const Format& f : {bf16, fp16, tf32, e4m3fn, e5m2}) CHECK(check_random(1, f, f, 3) == 0);
  CHECK(check_random(2, e4m3fn, bf16, 4) == 0);
  CHECK(check_random(3, fp32, bf16, 4) == 0);
  CHECK(check_random(4, ieee_like(8, 15), fp16, 8) == 0);
}

TEST_CASE("dot products of rows with far exponents are exact to 126 bits") {
  int sticky = 0;
  for (uint64_t seed = 5; seed < 25; ++seed) {
    sticky += check_random(seed, bf16, bf16, 20);
    sticky += check_random(seed, bf16, bf16, 60);
    sticky += check_random(seed, fp32, bf16, 60);
    sticky += check_random(seed, tf32, tf32, 62);
  }
  CHECK(sticky > 0);
}

TEST_CASE("far terms that cancel leave what is small") {
  Operand a(bf16, 1, 3);
  Operand b(bf16, 1, 3);
  const auto power = [](int n) { return code16(bf16, std::ldexp(1.0, n)); };
  a.set(0, 0, power(100));
  b.set(0, 0, power(20));
  a.set(0, 1, power(-100));
  b.set(0, 1, power(-20));
  a.set(0, 2, power(60) | 0x8000);
  b.set(0, 2, power(60));
  AlignedRows x(1, 3);
  AlignedRows y(1, 3);
  x.align(a, 0, 0);
  y.align(b, 0, 0);
  const auto dot = exact_dot(x, 0, y, 0, 3);
  CHECK(is_value(dot, Integer(1) << (point - 120)));
  CHECK_FALSE(dot.sticky);
}

TEST_CASE("the header's example") {
  Operand a(bf16, 1, 2);
  Operand b(bf16, 1, 2);
  a.set(0, 0, code16(bf16, 1));
  a.set(0, 1, code16(bf16, 0x1p-20));
  b.set(0, 0, code16(bf16, 3));
  b.set(0, 1, code16(bf16, 5));
  AlignedRows x(1, 2);
  AlignedRows y(1, 2);
  x.align(a, 0, 0);
  y.align(b, 0, 0);
  const auto dot = exact_dot(x, 0, y, 0, 2);
  CHECK(is_value(dot, (Integer(3) << point) + (Integer(5) << (point - 20))));
}

TEST_CASE("a window of an operand is aligned by itself") {
  Operand a(bf16, 3, 8);
  for (int64_t k = 0; k < 8; ++k) a.set(2, k, code16(bf16, std::ldexp(1.0, static_cast<int>(k))));
  a.set(2, 7, 0x7F80);
  AlignedRows window(4, 3);
  window.align(a, 2, 2);  // one row is left of the four that fit
  CHECK(window.row(0).exponent == 2 - 7);
  CHECK(window.row(0).bits == 2 + 8);
  CHECK_FALSE(window.row(0).special);
  CHECK(window.integers(0)[2] == 4 * 128);
}

TEST_CASE("rows of zeros give zero, rows with an infinity or NaN no value") {
  Operand a(fp16, 2, 4);
  Operand b(fp16, 1, 4);
  b.set(0, 0, code16(fp16, 1));
  AlignedRows x(2, 4);
  AlignedRows y(1, 4);
  a.set(1, 3, 0x7C00);
  x.align(a, 0, 0);
  y.align(b, 0, 0);
  CHECK(exact_dot(x, 0, y, 0, 4).kind == Kind::zero);
  CHECK(exact_dot(x, 1, y, 0, 4).kind == Kind::nan);
}
