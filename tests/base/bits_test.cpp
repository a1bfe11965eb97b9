#include "ulpscope/base/bits.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("the width of a word is the place of its highest set bit") {
  CHECK(bit_width(uint64_t{0}) == 0);
  CHECK(bit_width(uint64_t{1}) == 1);
  CHECK(bit_width(uint64_t{12}) == 4);
  CHECK(bit_width(~uint64_t{0}) == 64);
  CHECK(bit_width(uint32_t{0}) == 0);
  CHECK(bit_width(~uint32_t{0}) == 32);
}

TEST_CASE("the width of a 128-bit word is found in either half") {
  CHECK(bit_width(uint128{0}) == 0);
  CHECK(bit_width(uint128{1}) == 1);
  CHECK(bit_width(uint128{1} << 63) == 64);
  CHECK(bit_width(uint128{1} << 64) == 65);
  CHECK(bit_width(~uint128{0}) == 128);
}

TEST_CASE("a low mask may be empty or fill its word") {
  CHECK(low_mask<uint64_t>(0) == 0);
  CHECK(low_mask<uint64_t>(3) == 0b111);
  CHECK(low_mask<uint64_t>(64) == ~uint64_t{0});
  CHECK(low_mask<uint8_t>(8) == 0xFF);
  CHECK((low_mask<uint128>(100) >> 99 == 1));
  CHECK((low_mask<uint128>(128) == ~uint128{0}));
}

TEST_CASE("a right shift tells whether a set bit fell off") {
  CHECK(shift_right_jam(uint64_t{0b10010}, 2).word == 0b100);
  CHECK(shift_right_jam(uint64_t{0b10010}, 2).sticky);
  CHECK_FALSE(shift_right_jam(uint64_t{0b10010}, 1).sticky);
  CHECK_FALSE(shift_right_jam(uint64_t{0b10010}, 0).sticky);
  CHECK(shift_right_jam(uint64_t{0b10010}, 0).word == 0b10010);
}

TEST_CASE("a right shift by the word's width or more leaves only the sticky bit") {
  for (const int n : {64, 65, 127, 1000, 1 << 20}) {
    CHECK(shift_right_jam(~uint64_t{0}, n).word == 0);
    CHECK(shift_right_jam(uint64_t{1}, n).sticky);
    CHECK_FALSE(shift_right_jam(uint64_t{0}, n).sticky);
  }
  CHECK(shift_right_jam(uint128{1} << 127, 127).word == uint128{1});
  CHECK(shift_right_jam(uint128{1} << 127, 128).sticky);
}

TEST_CASE("a bit cast keeps the bits") {
  CHECK(bit_cast<uint32_t>(1.0F) == 0x3F800000);
  CHECK(bit_cast<uint64_t>(bit_cast<double>(uint64_t{0x7FF0000000000001})) == 0x7FF0000000000001);
}
