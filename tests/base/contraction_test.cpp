// Fails if -ffp-contract=off vanishes from ulpscope_flags: `x*y + z` would then be one rounding.
#include "ulpscope/base/bits.hpp"

#include "contraction_probe.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("the compiler does not fuse a product and a sum of doubles") {
  if (!contraction_probe_runs()) return;
  // x * x = 1 + 2^-29 + 2^-60 rounds to 1 + 2^-29; a fused sum would keep the 2^-60.
  const double x = 1.0 + 0x1p-30;
  CHECK(bit_cast<uint64_t>(product_plus(x, x, -1.0)) == bit_cast<uint64_t>(0x1p-29));
}

TEST_CASE("the compiler does not fuse a product and a sum of floats") {
  if (!contraction_probe_runs()) return;
  const float x = 1.0F + 0x1p-12F;
  CHECK(bit_cast<uint32_t>(product_plus(x, x, -1.0F)) == bit_cast<uint32_t>(0x1p-11F));
}
