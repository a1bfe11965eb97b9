#include "ulpscope/run/memory_limit.hpp"

#include "ulpscope/base/error.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("memory limit") {
  TEST_CASE("a size is a whole number of bytes, or of powers of 1,024") {
    CHECK(bytes_of("0") == 0);
    CHECK(bytes_of("1234") == 1234);
    CHECK(bytes_of("3K") == 3072);
    CHECK(bytes_of("500M") == 524'288'000);
    CHECK(bytes_of("2G") == uint64_t{1} << 31);
    CHECK(bytes_of("16777215T") == uint64_t{16777215} << 40);
  }

  TEST_CASE("anything else is refused, and nothing overflows") {
    for (const char* text : {"", "M", "-1", "+1", "1.5G", "2g", "2GB", "2 G", " 2G", "0x10", "1KK",
                             "16777216T", "18446744073709551616", "99999999999999999999999G"}) {
      CAPTURE(text);
      CHECK_THROWS_WITH_AS(bytes_of(text), doctest::Contains("is no size"), Error);
    }
  }

  TEST_CASE("a size is told in the unit that fits it, never less than it is") {
    CHECK(size_text(1023) == "1023 bytes");
    CHECK(size_text(1024) == "1.0K");
    CHECK(size_text(1025) == "1.1K");
    CHECK(size_text(uint64_t{3} << 30) == "3.0G");
    CHECK(size_text((uint64_t{3} << 30) + 1) == "3.1G");
    CHECK(size_text(~uint64_t{0}) == "16777216.0T");
  }

  TEST_CASE("units give way first, then threads, then the run") {
    const MemoryNeed need{.fixed = 100, .per_unit = 50, .per_thread = 10};
    const Room wanted{.threads = 4, .units = 4};
    CHECK(total(need, wanted) == 460);
    CHECK(room_within(460, need, wanted) == wanted);
    CHECK(room_within(459, need, wanted) == Room{.threads = 4, .units = 3});
    CHECK(room_within(190, need, wanted) == Room{.threads = 4, .units = 1});
    CHECK(room_within(189, need, wanted) == Room{.threads = 3, .units = 1});
    CHECK(room_within(160, need, wanted) == Room{.threads = 1, .units = 1});
    CHECK_THROWS_WITH_AS(room_within(159, need, wanted), doctest::Contains("160 bytes are needed"),
                         Error);
  }
}
