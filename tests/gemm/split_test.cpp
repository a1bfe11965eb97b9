#include "ulpscope/gemm/split.hpp"

#include "ulpscope/base/error.hpp"

#include <numeric>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("split of k") {
  TEST_CASE("one part is all of k") {
    CHECK(split_lengths(520, 1) == std::vector<int64_t>{520});
    CHECK(split_lengths(1, 1) == std::vector<int64_t>{1});
  }

  TEST_CASE("64 units in three parts are 22, 21 and 21") {
    CHECK(split_lengths(4096, 3) == std::vector<int64_t>{22 * 64, 21 * 64, 21 * 64});
  }

  TEST_CASE("the last unit may be short") {
    CHECK(split_lengths(130, 3) == std::vector<int64_t>{64, 64, 2});
    CHECK(split_lengths(130, 2) == std::vector<int64_t>{128, 2});
  }

  TEST_CASE("every split is complete, as even as units allow, and has no empty part") {
    for (const int64_t k : {64, 65, 127, 512, 777, 4096}) {
      for (int64_t parts = 1; parts <= (k + 63) / 64; ++parts) {
        const auto lengths = split_lengths(k, parts);
        CAPTURE(k);
        CAPTURE(parts);
        CHECK(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}) == k);
        for (size_t i = 0; i < lengths.size(); ++i) {
          CHECK(lengths[i] > 0);
          if (i + 1 < lengths.size()) CHECK(lengths[i] % 64 == 0);
          CHECK((lengths[0] + 63) / 64 - (lengths[i] + 63) / 64 <= 1);
        }
      }
    }
  }

  TEST_CASE("more parts than units are refused") {
    CHECK_THROWS_WITH_AS(split_lengths(512, 9), doctest::Contains("expected 1 to 8 parts"), Error);
    CHECK_THROWS_AS(split_lengths(512, 0), Error);
  }
}
