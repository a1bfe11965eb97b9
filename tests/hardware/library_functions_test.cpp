#include "ulpscope/hardware/library_functions.hpp"

#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <cfenv>
#include <cmath>

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

uint32_t code(float x) { return bit_cast<uint32_t>(x); }
double value(uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); }

TEST_CASE("the library's functions give the bits that an H200 gave") {
  check_points("expf", [](uint32_t x) { return library_expf(mufu_sm90, x); });
  check_points("logf", [](uint32_t x) { return library_logf(x); });
  check_points("log2f", [](uint32_t x) { return library_log2f(x); });
  check_points("__expf", [](uint32_t x) { return fast_expf(mufu_sm90, x); });
  check_points("__logf", [](uint32_t x) { return fast_logf(mufu_sm90, x); });
}

TEST_CASE("a changed host rounding mode changes no result") {
  for (const int mode : {FE_UPWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    check_points("expf", [](uint32_t x) { return library_expf(mufu_sm90, x); });
    check_points("logf", [](uint32_t x) { return library_logf(x); });
    std::fesetround(FE_TONEAREST);
  }
}

// CUDA's programming guide allows expf and logf one ulp; half an ulp is rounding itself.
TEST_CASE("expf and logf stay within the ulp that their documentation promises") {
  double worst_exp = 0;
  double worst_log = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto x = code(static_cast<float>(-80.0 + 0.008 * i));
    const double e = value(library_expf(mufu_sm90, x));
    worst_exp = std::max(worst_exp, std::fabs(e / std::exp(value(x)) - 1));
    const auto y = code(static_cast<float>(0.01 + 0.37 * i));
    const double l = std::log(value(y));
    worst_log = std::max(worst_log, std::fabs(value(library_logf(y)) - l) / std::fabs(l));
  }
  CHECK(worst_exp < 0x1p-22);
  CHECK(worst_log < 0x1p-22);
}

TEST_CASE("expf overflows, underflows through the subnormals and passes NaN on") {
  CHECK(library_expf(mufu_sm90, code(0.0F)) == code(1.0F));
  CHECK(library_expf(mufu_sm90, code(89.0F)) == 0x7F80'0000);
  CHECK(library_expf(mufu_sm90, code(-104.0F)) == 0);
  CHECK(library_expf(mufu_sm90, 0xFF80'0000) == 0);
  CHECK(library_expf(mufu_sm90, 0xFFC0'0000) == gpu_nan);
  const uint32_t small = library_expf(mufu_sm90, code(-100.0F));
  CHECK(small > 0);
  CHECK(small < 0x0080'0000);
}

TEST_CASE("logf of one is +0, of subnormals finite, of negative numbers NaN") {
  CHECK(library_logf(code(1.0F)) == 0);
  CHECK(value(library_logf(1)) == doctest::Approx(-103.2789));
  CHECK(library_logf(0x8000'0000) == 0xFF80'0000);
  CHECK(library_logf(0x8000'0001) == gpu_nan);
  CHECK(library_logf(0x7F80'0000) == 0x7F80'0000);
  CHECK(library_log2f(code(8.0F)) == code(3.0F));
}

}  // namespace
}  // namespace ulpscope
