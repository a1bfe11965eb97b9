// std::hash for Soft numbers, so that they can be keys of unordered containers.
//
//   std::unordered_map<Soft<bf16>, int> count;
//
// Equal numbers hash alike: the zeros, equal but of different code, share a hash. A NaN equals
// nothing, so a container keeps every NaN put in, as it does for double; to count codes use bits().
// Host only. Tested by tests/interop/hash_test.cpp.
#pragma once

#include "ulpscope/arith/soft.hpp"

#include <functional>

template <ulpscope::Format F, ulpscope::Rounding R>
struct std::hash<ulpscope::Soft<F, R>> {
  std::size_t operator()(ulpscope::Soft<F, R> x) const noexcept {
    const ulpscope::uint128 bits = ulpscope::is_zero(F, x.bits()) ? 0 : x.bits();
    const auto high = static_cast<uint64_t>(bits >> 64);  // of codes of more than 64 bits
    const std::hash<uint64_t> hash;
    return hash(static_cast<uint64_t>(bits)) + 31 * hash(high);
  }
};
