// Factors of the matrix products in device memory, decoded once: what attention/operands.hpp holds
// for the host, laid out for the chains of chains.cuh.
//
// Rows are padded with zeros to whole chunks of 32 terms; exponents lie in pairs. The codes serve
// the rare chains that are done by their definition.
#pragma once

#include "ulpscope/hardware/fused_columns.hpp"
#include "ulpscope/hardware/fused_floats.hpp"

#include <cstdint>

namespace ulpscope::cuda {

inline constexpr int chunk = 32;  // terms: whole steps of every chip

constexpr int64_t whole_chunks(int64_t length) { return (length + chunk - 1) / chunk * chunk; }

struct DeviceOperand {
  Format format;
  int64_t stride;      // of a row, in terms
  float* values;       // 0 for specials
  int16_t* exponents;  // of the lanes of fused_lanes.hpp
  uint32_t* codes;
  uint8_t* special;  // of a row: whether it holds an infinity or NaN
};

// One factor. Its row's mark is set, never reset.
__device__ inline void set_factor(const DeviceOperand& to, int64_t row, int64_t k, uint32_t code) {
  const Lane decoded = lane(to.format, code);
  const int64_t at = row * to.stride + k;
  // The lanes of wide formats do not hold their significands; their chains read the codes.
  to.values[at] = precision(to.format) <= 12
                      ? bit_cast<float>(lane_value(decoded, to.format.trailing_bits))
                      : 0.0F;
  to.exponents[at] = decoded.exponent;
  to.codes[at] = code;
  if (decoded.special) to.special[row] = 1;
}

}  // namespace ulpscope::cuda
