// Numbers that find a rounding's mistakes: all of binary16 and bfloat16, their ties and what lies
// next to them, and samples of everything else.
#pragma once

#include "ulpscope/base/bits.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include <vector>

namespace ulpscope {

// Some 400,000 binary32 numbers, NaNs, infinities, subnormals and both zeros among them.
inline std::vector<float> array_inputs_single() {
  std::vector<float> x;
  const auto add = [&](uint32_t bits) { x.push_back(bit_cast<float>(bits)); };
  for (uint32_t code = 0; code < 1 << 16; ++code) {
    add(code << 16);
    const auto half = round_pack(fp32, decode<uint64_t>(fp16, code), nearest_even);
    add(static_cast<uint32_t>(half.bits));
  }
  for (uint32_t top = 0; top < 1 << 16; top += 3) {
    for (const uint32_t rest : {0x0001, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF}) {
      add(top << 16 | rest);
    }
  }
  constexpr uint64_t stride = 40'009;  // a prime: every pattern of low bits turns up
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride) {
    add(static_cast<uint32_t>(bits));
  }
  return x;
}

// The same and their binary64 neighbours, every third of them, and samples of binary64.
inline std::vector<double> array_inputs_double() {
  std::vector<double> x;
  const auto singles = array_inputs_single();
  for (size_t i = 0; i < singles.size(); i += 3) {
    const auto wide =
        round_pack(fp64, decode<uint128>(fp32, bit_cast<uint32_t>(singles[i])), nearest_even).bits;
    for (const uint64_t bits : {wide - 1, wide, wide + 1}) x.push_back(bit_cast<double>(bits));
  }
  constexpr uint64_t stride = (uint64_t{1} << 47) - 115;  // a prime
  for (uint64_t i = 0; i < uint64_t{1} << 17; ++i) x.push_back(bit_cast<double>(i * stride));
  return x;
}

}  // namespace ulpscope
