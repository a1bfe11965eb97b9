#include "ulpscope/run/seeded_operand.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("seeded operands") {
  // Made by tools/python/fuzz_fa2.py: operand(1001, 1, (1, 1, 9, 2), "bfloat16").
  TEST_CASE("the bits are those of the Python twin") {
    const std::vector<uint16_t> wide = {0xC029, 0x3F6F, 0xBEBE, 0x3EDB, 0x4019, 0x3E9A,
                                        0xC000, 0x3FF5, 0x4069, 0xC07E, 0x3FB9, 0xC06A,
                                        0x4072, 0x3E93, 0xBF57, 0xBD9E, 0xBF96, 0xBFC7};
    CHECK(seeded_operand(bf16, {.seed = 1001, .tensor = 1}, {1, 9, 2}) == wide);
    const std::vector<uint16_t> coarse = {0xC000, 0x3FC0, 0xBF80, 0x3FC0, 0x4000, 0x3F80,
                                          0xC000, 0x3FC0, 0x4040, 0xC040, 0x3F80, 0xC040,
                                          0x4040, 0x3F80, 0xBFC0, 0xBF80, 0xBF80, 0xBFC0};
    CHECK(seeded_operand(bf16, {.seed = 1001, .tensor = 1, .law = SeededLaw::coarse}, {1, 9, 2}) ==
          coarse);
  }

  TEST_CASE("coarse values are 1, 1.5, 2 and 3") {
    std::set<uint16_t> magnitudes;
    for (const uint16_t code :
         seeded_operand(bf16, {.seed = 5, .tensor = 2, .law = SeededLaw::coarse}, {2, 50, 8})) {
      magnitudes.insert(code & 0x7FFF);
    }
    CHECK(magnitudes == std::set<uint16_t>{0x3F80, 0x3FC0, 0x4000, 0x4040});
  }

  TEST_CASE("repeated rows come again after seven, in every head by itself") {
    const SeededTensor tensor{.seed = 3, .tensor = 1, .law = SeededLaw::repeated};
    const auto codes = seeded_operand(fp16, tensor, {2, 16, 4});
    const auto row = [&](size_t head, size_t i) {
      const auto at = codes.begin() + static_cast<long>((head * 16 + i) * 4);
      return std::vector<uint16_t>(at, at + 4);
    };
    for (const size_t head : {0, 1}) {
      for (size_t i = 7; i < 16; ++i) CHECK(row(head, i) == row(head, i - 7));
    }
    CHECK(row(0, 0) != row(0, 1));
    CHECK(row(0, 0) != row(1, 0));
    const auto wide = seeded_operand(fp16, {.seed = 3, .tensor = 1}, {2, 16, 4});
    CHECK(std::equal(codes.begin(), codes.begin() + 28, wide.begin()));
  }

  TEST_CASE("an unknown law is named") {
    CHECK(seeded_law("coarse") == SeededLaw::coarse);
    CHECK_THROWS_WITH_AS(seeded_law("narrow"),
                         "law \"narrow\": unknown; expected wide, coarse or repeated", Error);
  }

  TEST_CASE("the checksum is that of zip") {  // of the ASCII digits 1 to 8, and of them as words
    const std::vector<uint16_t> halves{0x3231, 0x3433, 0x3635, 0x3837};
    const std::vector<uint32_t> words{0x34333231, 0x38373635};
    CHECK(crc32_of(std::span<const uint16_t>(halves)) == 0x9AE0DAAF);
    CHECK(crc32_of(std::span<const uint32_t>(words)) == 0x9AE0DAAF);
  }
}
