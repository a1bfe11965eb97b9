// The core is integer arithmetic: no setting of the host's FPU may change a bit of its results.
#include "ulpscope/arith/soft.hpp"

#include <cfenv>
#include <vector>

#include <doctest/doctest.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace ulpscope;

namespace {

// Bits of a bit of everything: conversions from and to the host's types, subnormals of bf16,
// binary32 and binary64, inexact sums, products, quotients, roots.
std::vector<uint64_t> fingerprint() {
  std::vector<uint64_t> bits;
  const auto keep = [&](auto x) {
    bits.push_back(x.bits());
    bits.push_back(bit_cast<uint64_t>(static_cast<double>(x)));
  };
  volatile double third = 0x1.5555555555555p-2;
  volatile double small_double = 0x0.8p-1022;
  volatile float small_float = 0x1.8p-130F;
  keep(Soft<bf16>(third));
  keep(Soft<fp32>(third));
  keep(Soft<fp64>(small_double));
  keep(Soft<fp32>(small_float));
  keep(Soft<bf16>(small_float));
  const Soft<fp32> x(third);
  const Soft<fp32> y(0x1.234567p-3);
  keep(x + y);
  keep(x - y);
  keep(x * y);
  keep(x / y);
  keep(sqrt(x));
  keep(fma(x, y, x));
  keep(Soft<fp32>::from_bits(3) * x);
  keep(Soft<fp64>::from_bits(3) * Soft<fp64>(third));
  keep(Soft<fp64>::from_bits(5) + Soft<fp64>::from_bits(4));
  return bits;
}

// Known without the core: 2^-130 x 1.5 is a subnormal of binary32, code 2^19 x 1.5.
constexpr uint32_t small_float_code = 0x000C0000;

}  // namespace

TEST_CASE("the host's rounding direction changes no result") {
  const auto expected = fingerprint();
  for (const int direction : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    std::fesetround(direction);
    const auto found = fingerprint();
    std::fesetround(FE_TONEAREST);
    CHECK(found == expected);
  }
}

#if defined(__x86_64__)
TEST_CASE("flushing of subnormals by the host changes no result") {
  constexpr unsigned flush_to_zero = 0x8000;
  constexpr unsigned denormals_are_zero = 0x0040;
  const auto expected = fingerprint();
  const unsigned original = _mm_getcsr();
  _mm_setcsr(original | flush_to_zero | denormals_are_zero);
  const auto found = fingerprint();
  volatile float small = 0x1.8p-130F;
  const uint32_t code = Soft<fp32>(small).bits();
  _mm_setcsr(original);
  CHECK(found == expected);
  CHECK(code == small_float_code);
}
#endif
