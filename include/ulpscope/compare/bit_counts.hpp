// How many elements of two tensors differ in bits, in value, and by how many ulps.
//
//   BitCounts counts;
//   counts.add(0, {bf16, 0x3F80}, {bf16, 0x3F82});     two steps apart, the first to differ
//
// Bits are compared where both codes have one format; otherwise values are. A distance is a number
// of steps between neighbouring codes, both zeros at one place; between formats it is the error in
// ulps of the first, rounded up, and no more than 2^31. Two NaN agree in value, so do two
// infinities of one sign; without two finite values there is no distance. Tested by
// tests/compare/bit_counts_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ulpscope {

struct Coded {
  const Format& format;
  uint64_t code;
};

// Elements by distance.
struct DistanceBucket {
  std::string_view name;
  uint64_t largest;
};
inline constexpr std::array distance_buckets{
    DistanceBucket{"0", 0},        DistanceBucket{"1", 1},
    DistanceBucket{"2", 2},        DistanceBucket{"3-10", 10},
    DistanceBucket{"11-100", 100}, DistanceBucket{">100", ~uint64_t{0}}};

inline constexpr uint64_t farthest_between_formats = uint64_t{1} << 31;

std::optional<uint64_t> distance(const Coded& a, const Coded& b);
bool have_same_bits(const Coded& a, const Coded& b);

struct BitCounts {
  uint64_t different_bits = 0;
  uint64_t different_values = 0;
  uint64_t nan_mismatch = 0;
  uint64_t inf_mismatch = 0;
  uint64_t largest_distance = 0;
  std::array<uint64_t, distance_buckets.size()> distances{};
  std::optional<size_t> first_different;  // lowest index with different bits

  void add(size_t index, const Coded& a, const Coded& b);
};

}  // namespace ulpscope
