// What a rounding had before it, recovered from the result and the residue that it left.
//
//   bf16: result -4.71875, residue -0.4723 ulp, away from zero
//     lost_bits     guard 1, rest set: more than half an ulp was cut, and the result went up
//     exact_before  -4.703990459...
//
// A residue has 32 bits behind the result's last one, and a flag says whether more followed: guard
// and rest are exact, and the exact value is, but for a sticky end. An error that was judged
// afterwards (a chain of fused sums, a special function) is not one rounding: it has no guard bit,
// and its exact value is known to 2^-32 ulp, of the result: an error that crosses into the next
// binade by less than itself reads as half of what it was.
//
// Tested by tests/trace/lost_bits_test.cpp.
#pragma once

#include "ulpscope/trace/moments.hpp"

#include <optional>

namespace ulpscope {

struct LostBits {
  bool guard;  // the first bit behind the result
  bool rest;   // whether any bit behind it is set: the sticky bit
};

// Nothing for a step that was judged, or that has no error: overflow, infinities, NaN.
std::optional<LostBits> lost_bits(const Record& record);

// The value that was rounded to `value`, a binary32 register that holds a number of `format`.
// Nothing where the record has no error, and where a judged step lost all of its digits.
std::optional<Exact<Uint256>> exact_before(const Format& format, uint32_t value,
                                           const Record& record);

}  // namespace ulpscope
