#include "arith/common_case.hpp"

#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

template <Format F>
void check_every_pair_of_codes() {
  CommonCase<F> check;
  const uint64_t count = uint64_t{1} << width(F);
  for (uint64_t x = 0; x < count; ++x) {
    for (uint64_t y = 0; y < count; ++y) check.pair(x, y);
  }
  CHECK_MESSAGE(check.agrees(), check.text());
  CHECK(check.count() == static_cast<int64_t>(count * count * 8 * 3));
}

template <Format F>
void check_random_pairs(uint64_t seed) {
  CommonCase<F> check;
  Generator random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto x = static_cast<code_for<F>>(any_code(random, F));
    check.pair(x, static_cast<code_for<F>>(any_code(random, F)));
  }
  CHECK_MESSAGE(check.agrees(), check.text());
  CHECK(check.common() * 10 > check.count());  // what the test is about does occur
}

}  // namespace

TEST_CASE("the short way agrees with the general one for every pair of 8 bits") {
  check_every_pair_of_codes<e4m3fn>();
  check_every_pair_of_codes<e5m2>();
  check_every_pair_of_codes<e4m3fnuz>();
}

TEST_CASE("the short way agrees with the general one for random pairs") {
  check_random_pairs<bf16>(1);
  check_random_pairs<fp16>(2);
  check_random_pairs<fp32>(3);
  check_random_pairs<fp64>(4);
}

TEST_CASE("the larger operand may come second") {
  using Number = Soft<bf16>;
  const auto sum = add_to<Number>(Number(-1.0), Number(1.5));
  CHECK(sum.value == Number(0.5));
  CHECK(sum.flags == Flag::none);
  CHECK(add_to<Number>(Number(0.75), Number(1.5)).flags == Flag::carry_out);
}
