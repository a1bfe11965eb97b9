#include "exhaustive/host_fpu.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("binary32 gives the host's bits and exceptions in the four directions of the host") {
  CHECK(host_mismatches<float, uint32_t>(fp32, 250'000, 1) == 0);
}

TEST_CASE("binary64 gives the host's bits and exceptions in the four directions of the host") {
  CHECK(host_mismatches<double, uint64_t>(fp64, 250'000, 2) == 0);
}
