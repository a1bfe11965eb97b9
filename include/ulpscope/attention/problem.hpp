// What is computed: shapes, masks, scale and operands of one attention call.
//
//   S = scale * Q.K^T, P = softmax(S) by rows, O = P.V, LSE = ln sum exp(S) by rows
//
// Beside the scale a score may have terms (score_terms.hpp): a soft cap, ALiBi slopes, a bias.
//
// Letters of the paper, used in this room only: Q, K, V the operands, S the scores, m their row
// maximum, P the unnormalised probabilities, l their row sum, O the output.
//
// Shapes (batch, heads, seq, dim), row-major and contiguous; K and V may have fewer heads, each
// shared by heads / kv_heads query heads. Codes are those of `format`, 16 bits or fewer.
// Tested by tests/attention/problem_test.cpp.
#pragma once

#include "ulpscope/attention/score_terms.hpp"
#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

// Which keys a query row sees: from `left` before its diagonal to `right` after it, both included.
// Where the diagonal lies is the kernel's choice (Alignment).
struct Mask {
  static constexpr int64_t unbounded = -1;
  int64_t left = unbounded;
  int64_t right = unbounded;

  friend constexpr bool operator==(const Mask&, const Mask&) = default;
};
inline constexpr Mask no_mask{};
inline constexpr Mask causal_mask{.left = Mask::unbounded, .right = 0};

// The diagonal key of query row i: i, or i + keys - rows, so that the last row meets the last key.
enum class Alignment { top_left, bottom_right };

// What the caller asked of gradients that are sums of atomics: a fixed order (PyTorch's
// use_deterministic_algorithms, flash-attn's deterministic=True), or none.
enum class GradientOrder { fixed, any };

// Size of the whole GPU launch, where the dump is a slice of it, and the chip's multiprocessors:
// together they decide how a library splits the work.
struct Launch {
  int64_t batch = 1;
  int64_t heads = 1;
  int multiprocessors = 132;
  // Parts that the keys are cut into, where the caller knows; 0: by the kernel's rule. Sequences of
  // a packed batch are problems of their own that are never split: 1.
  int64_t parts = 0;
  GradientOrder gradient_order = GradientOrder::fixed;
};

// What the codes of a tensor stand for: their values times this factor. Binary32 bits.
struct Descale {
  static constexpr uint32_t one = 0x3F80'0000;
  uint32_t q = one;
  uint32_t k = one;
  uint32_t v = one;

  friend constexpr bool operator==(const Descale&, const Descale&) = default;
};

// Where a problem is some K/V heads of a larger one. Which elements a reference samples, and by
// which index an element is reported, is said of the whole and so does not depend on the cut.
struct PartOf {
  int64_t first = 0;  // K/V heads of all batches before these
  int64_t all = 0;    // in the whole; 0: the problem is the whole
};

struct Problem {
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t kv_heads = 1;
  int64_t rows = 0;  // query length
  int64_t keys = 0;
  int64_t dim = 0;
  Format format{};
  Mask mask = no_mask;
  uint32_t scale = 0;  // binary32 bits; in a plan with the factors of Q and K
  Descale descale = {};
  ScoreTerms terms = {};
  Launch launch;
  PartOf part_of = {};
  std::span<const uint16_t> q;  // (batch, heads, rows, dim)
  std::span<const uint16_t> k;  // (batch, kv_heads, keys, dim)
  std::span<const uint16_t> v;  // (batch, kv_heads, keys, dim)
};

// Throws an Error of kind usage or input where sizes are not positive, heads do not divide, the
// spans disagree with the shape, a scale or factor is not finite and positive, or a term does not
// fit.
void check(const Problem& problem);
// The same of a problem whose operands and bias have not been read yet.
void check_without_operands(const Problem& problem);

// 1/sqrt(dim), computed in binary64 and rounded to binary32, as the libraries do.
uint32_t default_scale(int64_t dim);

ULPSCOPE_HD constexpr int64_t diagonal_key(const Problem& p, Alignment alignment, int64_t row) {
  return row + (alignment == Alignment::bottom_right ? p.keys - p.rows : 0);
}

// The keys [first, end) that a query row sees; nothing is [0, 0) or [keys, keys).
struct SeenKeys {
  int64_t first;
  int64_t end;
};
ULPSCOPE_HD constexpr SeenKeys seen_keys(const Problem& p, Alignment alignment, int64_t row) {
  const int64_t diagonal = diagonal_key(p, alignment, row);
  const auto within = [&](int64_t key) { return key < 0 ? 0 : key < p.keys ? key : p.keys; };
  return {p.mask.left == Mask::unbounded ? 0 : within(diagonal - p.mask.left),
          p.mask.right == Mask::unbounded ? p.keys : within(diagonal + p.mask.right + 1)};
}

// K/V heads of all batches of the whole, and the whole's number of the first query head here.
constexpr int64_t whole_kv_heads(const Problem& p) {
  return p.part_of.all == 0 ? p.batch * p.kv_heads : p.part_of.all;
}
constexpr int64_t first_head(const Problem& p) { return p.part_of.first * (p.heads / p.kv_heads); }

// One K/V head, counted over all batches, and the query heads that share it as a problem of their
// own in the same launch.
Problem problem_of_kv_head(const Problem& whole, int64_t kv_outer);

// The terms of a problem that one of its heads sees,
HeadTerms head_terms(const Problem& problem, Alignment alignment, int64_t batch, int64_t head);
// and those of `heads` heads from `first` on of one batch, as a problem of their own.
ScoreTerms terms_of_heads(const Problem& problem, int64_t batch, int64_t first, int64_t heads);

}  // namespace ulpscope
