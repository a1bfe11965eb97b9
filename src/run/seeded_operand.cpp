#include "ulpscope/run/seeded_operand.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <array>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr uint64_t repeated_rows = 7;

// Steele, Lea, Flood 2014.
constexpr uint64_t splitmix(uint64_t x) {
  x += 0x9E37'79B9'7F4A'7C15;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31);
}

// What a law leaves of a word's significand, and how many binades it goes down.
struct Shape {
  uint64_t trailing;
  uint64_t last;  // the bit that ends the search for a one
};
Shape shape_of(SeededLaw law) {
  switch (law) {
    case SeededLaw::wide:
    case SeededLaw::repeated: return {127, 0x8000};
    case SeededLaw::coarse: return {64, 2};
  }
  return {};
}

Exact<uint64_t> value_of(uint64_t word, const Shape& shape) {
  int zeros = 0;
  for (uint64_t high = word >> 8 | shape.last; (high & 1) == 0; high >>= 1) ++zeros;
  return {.significand = (word & shape.trailing) + 128,
          .exponent = -6 - zeros,
          .kind = Kind::finite,
          .negative = (word >> 7 & 1) != 0};
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xEDB8'8320 : 0);
    table[byte] = state;
  }
  return table;
}

template <class Word>
uint32_t crc32_of_words(std::span<const Word> words) {
  static constexpr auto table = crc_table();
  uint32_t state = 0xFFFF'FFFF;
  for (const Word word : words) {
    for (size_t b = 0; b < sizeof(Word); ++b) {
      state = (state >> 8) ^ table[(state ^ (word >> (8 * b))) & 0xFF];
    }
  }
  return ~state;
}

}  // namespace

SeededLaw seeded_law(const std::string& name) {
  if (name == "wide") return SeededLaw::wide;
  if (name == "coarse") return SeededLaw::coarse;
  if (name == "repeated") return SeededLaw::repeated;
  throw Error(ErrorKind::input,
              fmt::format("law \"{}\": unknown; expected wide, coarse or repeated", name));
}

std::vector<uint16_t> seeded_operand(const Format& format, const SeededTensor& tensor,
                                     const SeededShape& shape) {
  const auto rows = static_cast<uint64_t>(shape.rows);
  const auto dim = static_cast<uint64_t>(shape.dim);
  std::vector<uint16_t> codes(static_cast<uint64_t>(shape.outer) * rows * dim);
  const uint64_t start = (tensor.seed * 4 + tensor.tensor) << 40;
  const Shape law = shape_of(tensor.law);
  for (uint64_t i = 0; i < codes.size(); ++i) {
    const uint64_t row = i / dim % rows;
    const uint64_t first = tensor.law == SeededLaw::repeated ? row % repeated_rows : row;
    const uint64_t from = i - (row - first) * dim;
    codes[i] = static_cast<uint16_t>(
        round_pack(format, value_of(splitmix(start + from), law), nearest_even).bits);
  }
  return codes;
}

uint32_t crc32_of(std::span<const uint16_t> words) { return crc32_of_words(words); }
uint32_t crc32_of(std::span<const uint32_t> words) { return crc32_of_words(words); }

}  // namespace ulpscope
