// How far apart two samples of numbers lie, whatever their order: Wasserstein's first distance.
//
//   W1 = integral of |F_a(x) - F_b(x)| dx,    F the share of a sample's numbers that are <= x
//
// For samples of one size it is the mean of |sorted a - sorted b|. The weights of two training runs
// are such samples: their elements wander apart long before their distributions do.
//
//   wasserstein_1([](const SampleVisitor& visit) { visit(Side::a, 1.0); visit(Side::b, 1.5); })
//     -> 0.5
//
// The numbers are walked once and counted by the leading 22 bits of their place among all binary64
// numbers: sign, exponent, ten bits of the significand. Where a bin holds numbers at its edge only,
// as every bin does for formats of up to ten trailing bits (bf16, fp16, fp8), the counts say all.
// Other bins are walked again, as many at a time as `most_sorted` numbers fill, and their numbers
// sorted: memory stays the same for a checkpoint of any size, wide formats take several walks.
//
// Error. Every term of the sum is a product of a gap and a share, rounded three times and not
// negative, and the sum carries its rounding errors along: relative error below 2^-50.
//
// Source: for the measure between weights, Golden et al., arXiv 2405.02803, section VI.
// Tested by tests/compare/sample_distance_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace ulpscope {

enum class Side : uint8_t { a, b };

// Calls the visitor for every number of both samples, the same ones in every walk; numbers must be
// finite.
using SampleVisitor = std::function<void(Side, double)>;
using SampleWalk = std::function<void(const SampleVisitor&)>;

// NaN where a sample is empty.
double wasserstein_1(const SampleWalk& walk, size_t most_sorted = size_t{1} << 26);

namespace detail {

// Places of binary64 numbers in ascending order; both zeros share one.
constexpr uint64_t place_of(double x) {
  const auto bits = bit_cast<uint64_t>(x);
  constexpr uint64_t zero = uint64_t{1} << 63;
  return bits >= zero ? zero - (bits - zero) : zero + bits;
}
constexpr double number_at(uint64_t place) {
  constexpr uint64_t zero = uint64_t{1} << 63;
  return bit_cast<double>(place >= zero ? place - zero : zero + (zero - place));
}

}  // namespace detail

}  // namespace ulpscope
