// Inputs as a function of (seed, tensor, index), in integers: the twin of `operand` in
// tools/python/fuzz_fa2.py, so that recordings need no tensors. Also the CRC-32 of zip and zlib.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

// Steele, Lea, Flood 2014.
constexpr uint64_t splitmix(uint64_t x) {
  x += 0x9E37'79B9'7F4A'7C15;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31);
}

// Signed 8-bit significands, exponents falling off like trailing zeros, from 2^0 to 2^-15: values
// that bf16 and fp16 both hold (fp16's subnormals included).
inline std::vector<uint16_t> seeded_operand(const Format& format, uint64_t seed, uint64_t tensor,
                                            int64_t count) {
  std::vector<uint16_t> codes(static_cast<size_t>(count));
  const uint64_t start = (seed * 4 + tensor) << 40;
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint64_t word = splitmix(start + i);
    int zeros = 0;
    for (uint64_t high = word >> 8 | 0x8000; (high & 1) == 0; high >>= 1) ++zeros;
    const Exact<uint64_t> value{.significand = (word & 127) + 128,
                                .exponent = -6 - zeros,
                                .kind = Kind::finite,
                                .negative = (word >> 7 & 1) != 0};
    codes[i] = static_cast<uint16_t>(round_pack(format, value, nearest_even).bits);
  }
  return codes;
}

class Crc32 {
 public:
  void add(uint8_t byte) {
    state_ ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      state_ = (state_ >> 1) ^ ((state_ & 1) != 0 ? 0xEDB8'8320 : 0);
    }
  }
  // The value's bytes, lowest first.
  template <class Word>
  void add_words(std::span<const Word> words) {
    for (const Word word : words) {
      for (size_t b = 0; b < sizeof(Word); ++b) add(static_cast<uint8_t>(word >> (8 * b)));
    }
  }
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xFFFF'FFFF;
};

}  // namespace ulpscope
