#include "ulpscope/hardware/scalar.hpp"

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

uint32_t code(float x) { return bit_cast<uint32_t>(x); }

TEST_CASE("reciprocal and conversions give the bits that an H200 gave") {
  check_points("1.0f / x", [](uint32_t x) { return reciprocal(x); });
  check_points("cvt.rn.bf16.f32", [](uint32_t x) { return uint32_t{cvt_rn(bf16, x)}; });
  check_points("cvt.rn.f16.f32", [](uint32_t x) { return uint32_t{cvt_rn(fp16, x)}; });
}

TEST_CASE("a NaN result is 0x7FFFFFFF whatever came in") {
  CHECK(fadd(0x7FC0'1234, code(1.0F)) == gpu_nan);
  CHECK(fmul(0xFF80'0000, 0) == gpu_nan);
  CHECK(ffma(code(1.0F), 0x7F80'0000, 0xFF80'0000) == gpu_nan);
  CHECK(reciprocal(0xFFC0'0000) == gpu_nan);
}

TEST_CASE("an fma in a direction rounds its exact value once") {
  const uint32_t x = code(1.0F + 0x1p-12F);
  CHECK(ffma(x, x, code(-1.0F)) == code(0x1p-11F + 0x1p-24F));
  CHECK(ffma<downward>(code(1.0F), code(1.0F), code(0x1p-30F)) == code(1.0F));
  CHECK(ffma<upward>(code(1.0F), code(1.0F), code(0x1p-30F)) == code(1.0F) + 1);
}

TEST_CASE("the maximum prefers a number to NaN and +0 to -0") {
  CHECK(fmaximum(gpu_nan, code(-2.0F)) == code(-2.0F));
  CHECK(fmaximum(code(-2.0F), 0x7FC0'0001) == code(-2.0F));
  CHECK(fmaximum(0xFFC0'0001, 0x7FC0'0001) == gpu_nan);
  CHECK(fmaximum(0x8000'0000, 0) == 0);
  CHECK(fmaximum(0, 0x8000'0000) == 0);
  CHECK(fmaximum(0xFF80'0000, code(-1.0F)) == code(-1.0F));
}

TEST_CASE("an atomic addition flushes subnormal operands and results, keeping signs") {
  CHECK(red_add(0x0000'0001, 0x0000'0001) == 0);
  CHECK(red_add(0x8000'0001, 0x8000'0001) == 0x8000'0000);
  CHECK(red_add(code(0x1.8p-126F), code(-0x1p-126F)) == 0);
  CHECK(red_add(code(-0x1.8p-126F), code(0x1p-126F)) == 0x8000'0000);
  CHECK(red_add(code(1.0F), 0x0000'0001) == code(1.0F));
}

}  // namespace
}  // namespace ulpscope
