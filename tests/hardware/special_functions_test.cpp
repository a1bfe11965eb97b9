#include "ulpscope/hardware/special_functions.hpp"

#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

uint32_t code(float x) { return bit_cast<uint32_t>(x); }

TEST_CASE("ex2, lg2 and rcp without .ftz give the bits that an H200 gave") {
  check_points("ex2.approx.f32", [](uint32_t x) { return ex2_approx(mufu_sm90, x); });
  check_points("exp2f", [](uint32_t x) { return ex2_approx(mufu_sm90, x); });
  check_points("lg2.approx.f32", [](uint32_t x) { return lg2_approx(mufu_sm90, x); });
  check_points("rcp.approx.f32", [](uint32_t x) { return rcp_approx(mufu_sm90, x); });
}

TEST_CASE("ex2 reaches the smallest subnormal, and rounds below it to zero") {
  CHECK(ex2_approx(mufu_sm90, code(-126.0F)) == 0x0080'0000);
  CHECK(ex2_approx(mufu_sm90, code(-128.0F)) == 0x0020'0000);
  CHECK(ex2_approx(mufu_sm90, code(-149.0F)) == 1);
  CHECK(ex2_approx(mufu_sm90, code(-150.0F)) == 0);  // a tie, to even
  CHECK(ex2_approx(mufu_sm90, 0xFF80'0000) == 0);
}

TEST_CASE("below -126 odd integers are no exact powers: they square ex2 of a half") {
  CHECK(ex2_approx(mufu_sm90, code(-127.0F)) == 0x003F'FFFF);
}

TEST_CASE("the largest negative codes are NaN to ex2, not small numbers") {
  CHECK(ex2_approx(mufu_sm90, 0xFF80'0001) == gpu_nan);
  CHECK(ex2_approx(mufu_sm90, 0xFFFF'FFFF) == gpu_nan);
}

TEST_CASE("lg2 of a subnormal is finite, of a negative one NaN, of a zero -infinity") {
  CHECK(lg2_approx(mufu_sm90, 1) == code(-149.0F));
  CHECK(lg2_approx(mufu_sm90, 0x8000'0001) == gpu_nan);
  CHECK(lg2_approx(mufu_sm90, 0x8000'0000) == 0xFF80'0000);
}

TEST_CASE("rcp is subnormal at the top and finite at the bottom") {
  CHECK(rcp_approx(mufu_sm90, code(0x1p127F)) == 0x0040'0000);
  CHECK(rcp_approx(mufu_sm90, 0x0040'0000) == code(0x1p127F));
  CHECK(rcp_approx(mufu_sm90, 0x8000'0001) == 0xFF80'0000);  // 2^149 is out of range
}

}  // namespace
}  // namespace ulpscope
