// Inputs as a function of (seed, tensor, index), in integers, so that a recording needs no tensors:
// whoever knows the seed makes the same bits. Also the CRC-32 that recordings keep of outputs.
//
//   seeded_operand(bf16, {.seed = 1012, .tensor = 0}, {2, 64, 128})   q of two heads, 64 rows
//
// Values are signed 8-bit significands, the exponents falling off like trailing zeros, from 2^0 to
// 2^-15: numbers that bf16 and fp16 both hold (fp16's subnormals included). The twin is `operand`
// in tools/python/fuzz_fa2.py. Tested by tests/run/seeded_operand_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

enum class SeededLaw {
  wide,      // as above
  coarse,    // 1, 1.5, 2 and 3 with both signs: scores that often coincide
  repeated,  // rows 0 to 6 again and again: equal maxima in every row, where it is K
};

// "wide"; throws Error(input) for an unknown name.
SeededLaw seeded_law(const std::string& name);

struct SeededTensor {
  uint64_t seed;
  uint64_t tensor;  // 0 q, 1 k, 2 v, 3 do
  SeededLaw law = SeededLaw::wide;
};

struct SeededShape {
  int64_t outer;  // batches times heads
  int64_t rows;
  int64_t dim;
};

std::vector<uint16_t> seeded_operand(const Format& format, const SeededTensor& tensor,
                                     const SeededShape& shape);

// Of zip and zlib, over the words' bytes, lowest first.
uint32_t crc32_of(std::span<const uint16_t> words);
uint32_t crc32_of(std::span<const uint32_t> words);

}  // namespace ulpscope
