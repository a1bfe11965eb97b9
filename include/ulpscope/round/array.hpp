// Rounding whole arrays: binary32 or binary64 numbers in, codes or rounded numbers out.
//
//   std::vector<float> x{1.0F, 500.0F, -0.0F};
//   std::vector<uint8_t> codes(3);
//   round_array(x, e4m3fn, nearest_even, codes);            // 0x38, 0x7F, 0x80
//   round_array(x, e4m3fn, sr16, {.seed = 1}, codes);       // element i draws as element i
//   round_values(x, bf16, toward_zero, out);                // floats that bf16 holds
//
// Every element is what round_pack makes of it, bit for bit, whatever the machine. Codes of up to
// 32 bits in formats with sign, zero and subnormals are computed in vector registers (AVX-512,
// AVX2, SSE4 or NEON, found when running). One by one go wider codes, formats without one of these,
// NaNs that are handed on, and of stochastic rounding the variants c and exact and draws that are
// longer than a lane has room for; is_vectorised tells. docs/performance.md says how fast either
// is.
//
// With `Details` the residue and the flags of every element are kept as well, one by one.
// Spans of a call have the same length and may not overlap; anything else, or a code that is wider
// than its element, is an Error of kind usage.
//
// Host only. Tested by tests/round/array_test.cpp, array_call_test.cpp and, for all binary32
// numbers, tests/exhaustive/nightly_array_test.cpp.
#pragma once

#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/stochastic.hpp"

#include <span>
#include <variant>

namespace ulpscope {

using Numbers = std::variant<std::span<const float>, std::span<const double>>;
using Codes =
    std::variant<std::span<uint8_t>, std::span<uint16_t>, std::span<uint32_t>, std::span<uint64_t>>;
using Values = std::variant<std::span<float>, std::span<double>>;

// What else is kept of each rounding; an empty span keeps nothing.
struct Details {
  std::span<int64_t> residues;
  std::span<Flag> flags;
};

void round_array(Numbers x, const Format& format, Rounding rounding, Codes codes);
void round_array(Numbers x, const Format& format, Rounding rounding, Codes codes,
                 const Details& details);

// Element i draws as `first` with i added to its element (random_bits.hpp).
void round_array(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                 Codes codes);
void round_array(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                 Codes codes, const Details& details);

// The rounded numbers themselves; the format must be a subset of the output's. A NaN is the
// canonical one.
void round_values(Numbers x, const Format& format, Rounding rounding, Values values);
void round_values(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                  Values values);

// Whether these are rounded in vector registers, from binary32 or from binary64.
bool is_vectorised(const Format& from, const Format& to, const Rounding& rounding);
bool is_vectorised(const Format& from, const Format& to, const Stochastic& rounding);

}  // namespace ulpscope
