#include "ulpscope/base/host_fp.hpp"

#include "ulpscope/base/bits.hpp"

#include <cfenv>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

// Volatile operands, so that the sums and products are made at run time, in the state of the host.
double sum(double x, double y) {
  volatile double a = x;
  volatile double b = y;
  volatile double result = a + b;
  return result;
}
double product(double x, double y) {
  volatile double a = x;
  volatile double b = y;
  volatile double result = a * b;
  return result;
}

constexpr double above_one = 0x1.0000000000001p0;

}  // namespace

TEST_CASE("the guard rounds to nearest under a host that rounds up, and gives that back") {
  std::fesetround(FE_UPWARD);
  const double before = sum(1.0, 0x1p-60);
  double inside = 0;
  {
    const HostFpGuard guard;
    inside = sum(1.0, 0x1p-60);
  }
  const double after = sum(1.0, 0x1p-60);
  std::fesetround(FE_TONEAREST);
  CHECK(bits_of(before) == bits_of(above_one));
  CHECK(bits_of(inside) == bits_of(1.0));
  CHECK(bits_of(after) == bits_of(above_one));
}

TEST_CASE("guards nest") {
  std::fesetround(FE_DOWNWARD);
  double inside = 0;
  {
    const HostFpGuard outer;
    { const HostFpGuard inner; }
    inside = sum(1.0, -0x1p-60);
  }
  const int after = std::fegetround();
  std::fesetround(FE_TONEAREST);
  CHECK(bits_of(inside) == bits_of(1.0));
  CHECK(after == FE_DOWNWARD);
}

TEST_CASE("exceptions raised inside are not seen outside") {
  std::feclearexcept(FE_ALL_EXCEPT);
  {
    const HostFpGuard guard;
    sum(1.0, 0x1p-60);
  }
  CHECK(std::fetestexcept(FE_INEXACT) == 0);
}

#if defined(__x86_64__)
TEST_CASE("subnormals live inside the guard though the host flushes them") {
  constexpr unsigned ftz_and_daz = 0x8040;
  const unsigned original = _mm_getcsr();
  _mm_setcsr(original | ftz_and_daz);
  const double flushed = product(0x1p-1000, 0x1p-60);
  const double denied = product(0x1p-1060, 0x1p60);
  double kept = 0;
  double read = 0;
  {
    const HostFpGuard guard;
    kept = product(0x1p-1000, 0x1p-60);
    read = product(0x1p-1060, 0x1p60);
  }
  const unsigned after = _mm_getcsr();
  _mm_setcsr(original);
  CHECK(bits_of(flushed) == 0);
  CHECK(bits_of(denied) == 0);
  CHECK(bits_of(kept) == bits_of(0x1p-1060));
  CHECK(bits_of(read) == bits_of(0x1p-1000));
  CHECK((after & ftz_and_daz) == ftz_and_daz);
}
#endif
