#include "ulpscope/run/vector_functions.hpp"

#include "ulpscope/base/error.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// One answer; the values are of IEEE 754 and the rules of docs/numerics/testfloat.md.
VectorAnswer answer(const char* name, VectorOperands operands, VectorOptions options = {}) {
  const auto f = vector_function(name, options);
  return f.answer(f, operands);
}

std::string refusal(const char* name) {
  try {
    vector_function(name, {});
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

constexpr VectorOptions by(Mode mode) { return {.mode = mode}; }

}  // namespace

TEST_CASE("an operation has its own number of operands and digits") {
  const auto f = vector_function("f32_mulAdd", {});
  CHECK(f.operands == 3);
  CHECK(f.from.digits == 8);
  CHECK(f.to.digits == 8);
  const auto less = vector_function("f64_lt_quiet", {});
  CHECK(less.operands == 2);
  CHECK(less.from.digits == 16);
  CHECK(less.to.digits == 1);
  const auto narrow = vector_function("ui64_to_bf16", {});
  CHECK(narrow.operands == 1);
  CHECK(narrow.from.digits == 16);
  CHECK(narrow.to.digits == 4);
}

TEST_CASE("every flag has TestFloat's digit") {
  CHECK(answer("f16_add", {0x3C00, 0x3C00}) == VectorAnswer{0x4000, 0});
  CHECK(answer("f16_div", {0x3C00, 0x4200}) == VectorAnswer{0x3555, testfloat_inexact});
  CHECK(answer("f16_div", {0x3C00, 0x8000}) == VectorAnswer{0xFC00, testfloat_infinite});
  CHECK(answer("f16_mul", {0x7BFF, 0x4000}) ==
        VectorAnswer{0x7C00, testfloat_overflow | testfloat_inexact});
  CHECK(answer("f16_mul", {0x0001, 0x3800}) ==
        VectorAnswer{0x0000, testfloat_underflow | testfloat_inexact});
  CHECK(answer("f16_sqrt", {0xBC00}).flags == testfloat_invalid);
}

TEST_CASE("underflow is by tininess before or after rounding") {
  // (1 - 2^-11) 2^-14, half way to the smallest normal number and rounded up to it: tiny before,
  // and with an unbounded exponent still below it; 2^-14 (1 - 2^-12) would be carried there.
  const VectorOperands carried{0x387FE000};
  const VectorOptions before{.tininess = Tininess::before};
  CHECK(answer("f32_to_f16", carried) ==
        VectorAnswer{0x0400, testfloat_inexact | testfloat_underflow});
  const VectorOperands nearly{0x387FF000};
  CHECK(answer("f32_to_f16", nearly) == VectorAnswer{0x0400, testfloat_inexact});
  CHECK(answer("f32_to_f16", nearly, before) ==
        VectorAnswer{0x0400, testfloat_inexact | testfloat_underflow});
}

TEST_CASE("conversions to integers are inexact only when asked") {
  VectorOptions exact;
  exact.to_integer.inexact = Inexact::raised;
  CHECK(answer("f16_to_i32", {0x4100}) == VectorAnswer{2, 0});
  CHECK(answer("f16_to_i32", {0x4100}, exact) == VectorAnswer{2, testfloat_inexact});
  CHECK(answer("f16_roundToInt", {0x4100}) == VectorAnswer{0x4000, 0});
  CHECK(answer("f16_roundToInt", {0x4100}, exact) == VectorAnswer{0x4000, testfloat_inexact});
}

TEST_CASE("a name may carry its own rounding") {
  CHECK(answer("f16_to_i32", {0xC380}, by(Mode::down)).bits == 0xFFFFFFFC);
  CHECK(answer("f16_to_i32_r_minMag", {0xC380}, by(Mode::down)).bits == 0xFFFFFFFD);
  CHECK(answer("f16_to_i32_r_near_even", {0xC380}, by(Mode::toward_zero)).bits == 0xFFFFFFFC);
}

TEST_CASE("to odd, integers go to the odd neighbour as in SoftFloat 3e") {
  CHECK(answer("f16_to_i32", {0xC100}, by(Mode::to_odd)).bits == 0xFFFFFFFD);  // -2.5 to -3
  CHECK(answer("f16_to_i32", {0x4480}, by(Mode::to_odd)).bits == 5);           // 4.5
  CHECK(answer("f16_roundToInt", {0x0001}, by(Mode::to_odd)).bits == 0x3C00);
  CHECK(answer("f16_to_ui32", {0xB400}, by(Mode::to_odd)).flags == testfloat_invalid);
}

TEST_CASE("a negative fraction is in an unsigned range where it rounds to zero") {
  CHECK(answer("f16_to_ui32", {0xB800}, by(Mode::toward_zero)) == VectorAnswer{0, 0});
  CHECK(answer("f16_to_ui32", {0xB800}, by(Mode::down)).flags == testfloat_invalid);
}

TEST_CASE("comparisons differ in the NaNs that they refuse") {
  constexpr uint64_t quiet = 0x7E00, signalling = 0x7C01, one = 0x3C00;
  for (const char* name : {"f16_eq", "f16_le_quiet", "f16_lt_quiet"}) {
    CHECK(answer(name, {quiet, one}) == VectorAnswer{0, 0});
    CHECK(answer(name, {one, signalling}) == VectorAnswer{0, testfloat_invalid});
  }
  for (const char* name : {"f16_eq_signaling", "f16_le", "f16_lt"}) {
    CHECK(answer(name, {quiet, one}) == VectorAnswer{0, testfloat_invalid});
  }
  CHECK(answer("f16_eq", {0x0000, 0x8000}).bits == 1);
  CHECK(answer("f16_le", {0x8000, 0x0000}).bits == 1);
  CHECK(answer("f16_lt", {0x8000, 0x0000}).bits == 0);
}

TEST_CASE("integers are read with their sign") {
  CHECK(answer("i32_to_f16", {0xFFFFFFFF}).bits == 0xBC00);
  CHECK(answer("ui32_to_f32", {0xFFFFFFFF}) == VectorAnswer{0x4F800000, testfloat_inexact});
  CHECK(answer("i64_to_f64", {0x8000000000000000}) == VectorAnswer{0xC3E0000000000000, 0});
}

TEST_CASE("the roundings have TestFloat's names") {
  CHECK(vector_rounding_named("rnear_maxMag") == Mode::nearest_away);
  CHECK(vector_rounding_named("rmin") == Mode::down);
  CHECK_THROWS_WITH_AS(vector_rounding_named("rne"),
                       "unknown rounding 'rne': expected one of rnear_even, rnear_maxMag, rminMag, "
                       "rmin, rmax, rodd",
                       Error);
}

TEST_CASE("what is no function is refused with the list of those that are") {
  for (const char* name :
       {"", "f16", "f16_", "_add", "f16_addd", "extF80_add", "i32_add", "f16_to_", "f16_to_f16",
        "i32_to_i64", "f16_to_f128", "f16_to_f32_r_minMag", "f16_to_i32_r_", "f16_to_i32_r_odds",
        "f16_to_i32_", "f16_ADD"}) {
    CAPTURE(name);
    const auto text = refusal(name);
    CHECK(text.find("mulAdd") != std::string::npos);
    CHECK(text.find("ui64") != std::string::npos);
    CHECK(text.find('\'' + std::string(name) + '\'') != std::string::npos);
  }
}
