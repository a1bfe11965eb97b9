#include "ulpscope/arith/soft.hpp"
#include "ulpscope/interop/doctest.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("1.5 + 0.75 reaches the next binade and loses nothing") {
  using B = Soft<bf16>;
  const auto sum = add_to<B>(B(1.5), B(0.75));
  CHECK(sum.value == B(2.25));
  CHECK(sum.residue == 0);
  CHECK(has(sum.flags, Flag::carry_out));
}

TEST_CASE("rounding up to 2 is a carry of the rounding, not of the sum") {
  using B = Soft<bf16>;
  const auto sum = add_to<B>(B(0x1.fep0), B(0x1.8p-8));
  CHECK(sum.value == B(2.0));
  CHECK(has(sum.flags, Flag::round_carry));
  CHECK_FALSE(has(sum.flags, Flag::carry_out));
}
