// What is computed: shapes, masks, scale and operands of one attention call.
//
//   S = scale * Q.K^T, P = softmax(S) by rows, O = P.V, LSE = ln sum exp(S) by rows
//
// Letters of the paper, used in this room only: Q, K, V the operands, S the scores, m their row
// maximum, P the unnormalised probabilities, l their row sum, O the output.
//
// Shapes (batch, heads, seq, dim), row-major and contiguous; K and V may have fewer heads, each
// shared by heads / kv_heads query heads. Codes are those of `format`, 16 bits or fewer.
// Tested by tests/attention/problem_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

enum class Mask { none, causal };

// Size of the whole GPU launch, where the dump is a slice of it, and the chip's multiprocessors:
// together they decide how a library splits the work.
struct Launch {
  int64_t batch = 1;
  int64_t heads = 1;
  int multiprocessors = 132;
};

struct Problem {
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t kv_heads = 1;
  int64_t rows = 0;  // query length
  int64_t keys = 0;
  int64_t dim = 0;
  Format format{};
  Mask mask = Mask::none;
  uint32_t scale = 0;  // binary32 bits
  Launch launch;
  std::span<const uint16_t> q;  // (batch, heads, rows, dim)
  std::span<const uint16_t> k;  // (batch, kv_heads, keys, dim)
  std::span<const uint16_t> v;  // (batch, kv_heads, keys, dim)
};

// Throws an Error of kind usage or input where sizes are not positive, heads do not divide, the
// spans disagree with the shape, or the scale is not finite and positive.
void check(const Problem& problem);

// 1/sqrt(dim), computed in binary64 and rounded to binary32, as the libraries do.
uint32_t default_scale(int64_t dim);

// Keys that a query row sees: the first `visible_keys` of them. Causal masks are aligned to the
// bottom right corner: the last row sees every key.
constexpr int64_t visible_keys(const Problem& p, Mask mask, int64_t row) {
  switch (mask) {
    case Mask::none: return p.keys;
    case Mask::causal: {
      const int64_t last = row + 1 + p.keys - p.rows;
      return last < 0 ? 0 : last < p.keys ? last : p.keys;
    }
  }
  return p.keys;
}

}  // namespace ulpscope
