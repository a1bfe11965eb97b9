// Ten million pairs of each format, in every mode: arith/common_case_test.cpp has a few of them.
#include "arith/common_case.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

template <Format F>
void check_random_pairs(uint64_t seed) {
  CommonCase<F> check;
  Generator random(seed);
  for (int i = 0; i < 10'000'000; ++i) {
    const auto x = static_cast<uint64_t>(any_code(random, F));
    check.pair(x, static_cast<uint64_t>(any_code(random, F)));
  }
  CHECK_MESSAGE(check.agrees(), check.text());
}

}  // namespace

TEST_CASE("sums, differences and products of bf16 are the general way's") {
  check_random_pairs<bf16>(5);
}

TEST_CASE("sums, differences and products of fp16 are the general way's") {
  check_random_pairs<fp16>(6);
}

TEST_CASE("sums, differences and products of fp32 are the general way's") {
  check_random_pairs<fp32>(7);
}
