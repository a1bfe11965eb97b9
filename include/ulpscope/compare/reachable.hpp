// Values of a sum whose order is not fixed: is this one reached by some order?
//
// Kernels that add the key tiles' parts of dQ as they come give other bits from run to run. Which
// of them are possible is known all the same: those of the sum in every order.
//
//   parts 1, 2^-24, 2^-24 in binary32: 1 + 2^-24 + 2^-24 = 1, but (2^-24 + 2^-24) + 1 = 1 + 2^-23
//
// Orders are those of one accumulator, which every part is added to; sets of sums grow by one part
// at a time, so n parts take 2^n sets and not n! orders. A part that is +0 changes no sum and
// counts as none, so under a mask a row has the parts of the tiles that it sees. Limits: up to 16
// parts. Tested by tests/compare/reachable_test.cpp and tests/captured.
#pragma once

#include "ulpscope/attention/gradients.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ulpscope {

inline constexpr size_t most_unordered_parts = 16;

enum class Addition {
  plain,   // one binary32 rounding
  atomic,  // red_add: subnormal operands and results become zeros
};

// All sums of the parts, from +0, ascending by code. An Error of kind usage for more parts than
// most_unordered_parts.
std::vector<uint32_t> reachable_sums(std::span<const uint32_t> parts,
                                     Addition addition = Addition::plain);

// dQ of every key tile alone, as it is before it is added, and what becomes of the sum.
struct QueryGradientParts {
  int64_t parts = 0;
  std::vector<std::vector<uint32_t>> dq;  // [part]: registers, (batch, heads, rows, dim)
  Addition addition = Addition::plain;
  uint32_t scale = detail::one32;  // that the sum is multiplied with
  Cast scaled = {};                // what that product is rounded to

  // Whether the element's recorded code is that of a sum in some order.
  bool reach(const Format& store, size_t element, uint64_t code) const;
};

// For kernels whose dQ has no fixed order. An Error of kind usage for others.
QueryGradientParts query_gradient_parts(const BackwardPlan& plan, const BackwardInputs& inputs,
                                        const BackwardOptions& options);

// Whether the kernel leaves the order of dQ's parts open for this problem, of which there are more
// than two. The pass then adds them in ascending order.
bool has_unordered_dq(const BackwardPlan& plan);

}  // namespace ulpscope
