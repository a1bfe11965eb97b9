#include "ulpscope/analysis/any_rounding.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("any rounding") {
  TEST_CASE("names of both kinds are read and written") {
    for (const char* name : {"rne", "rz", "rz:sat", "sr", "sr8a", "sr16b"}) {
      CHECK(any_rounding_name(any_rounding_named(name)) == name);
    }
    CHECK_THROWS_AS(any_rounding_named("nearest"), Error);
  }

  TEST_CASE("a direction ignores the draw, a drawn one depends on it") {
    const auto x = decode<uint64_t>(fp32, 0x3F80'8000);  // 1 + half an ulp of bf16
    for (const uint64_t element : {1U, 2U, 3U}) {
      CHECK(rounded(bf16, x, any_rounding_named("rz"), {.element = element}).bits == 0x3F80);
    }
    int up = 0;
    constexpr int draws = 1024;
    for (uint64_t i = 0; i < draws; ++i) {
      up += rounded(bf16, x, any_rounding_named("sr8"), {.seed = 1, .element = i}).bits == 0x3F81;
    }
    // Half of them: a standard error of 16, bounds of five.
    CHECK(up > draws / 2 - 80);
    CHECK(up < draws / 2 + 80);
  }
}
