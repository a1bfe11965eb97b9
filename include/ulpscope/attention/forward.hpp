// The forward pass of one row tile, driven by a plan: the algorithm of flash attention, line by
// line, each rounding at a named site.
//
//   for every key tile, in the order of walk.hpp
//     S = Q.K^T                      scores
//     s = S c, or later              scaled_score, log2_score; terms: score_steps.hpp
//     m' = max(m, S or s)            (no rounding)
//     r = 2^((m - m') c)             maximum_step, scaled_step, rescale_factor
//     O = O r                        rescale
//     P = 2^(S c - m' c)             scaled_maximum, scaled_score, shifted_score, probability
//     l = l r + sum P                row_sum
//     P16 = cast P                   probability_cast
//     O = O + P16.V                  output_accumulate
//   O / l, LSE                       reciprocal, normalise, log2_row_sum, log_row_sum, lse
//
// What a row does between the products and at its end is row_pass.hpp's. Where O is kept in memory
// the product starts at 0 and r, O and in the last tile 1 / l meet it afterwards (update_memory);
// code without a fused kernel rounds each tile's product by itself and adds it to O
// (add_tile_product: output_add, output_keep). With split keys each part does this for
// its own tiles and combine.hpp joins the parts. Rows are independent of each other; a tile only
// shares the decoded K and V.
//
// Limits: head sizes and formats that the plan allows. Memory: one row tile of O and one of K, V.
// Tested by tests/attention/forward_test.cpp (against a naive pass over Soft) and tests/captured.
#pragma once

#include "ulpscope/attention/exact_products.hpp"
#include "ulpscope/attention/row_pass.hpp"
#include "ulpscope/trace/history.hpp"
#include "ulpscope/trace/log.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

// K and V of one head, decoded; V by columns.
struct HeadOperands {
  Operand k;  // keys rows of dim
  Operand v;  // dim rows of keys
};

HeadOperands decode_head(const Plan& plan, int64_t batch, int64_t kv_head);

// One row tile's results, as registers: O (rows x dim) before the store's code, LSE (rows).
struct TileOutput {
  std::vector<uint32_t> o;
  std::vector<uint32_t> lse;
  std::vector<uint32_t> base2;  // the LSE in base 2, of recipes that make the LSE of it

  // What the backward pass of such a recipe reads, or of another one.
  const std::vector<uint32_t>& statistic() const { return base2.empty() ? lse : base2; }
};

// The Q rows of a tile: `first` counts within the head.
struct TileRows {
  int64_t batch;
  int64_t head;
  int64_t first;
  int64_t count;
};

// P of a row over one tile, before and after its cast, as registers; 0 for keys that are not seen.
struct ProbabilityRow {
  int64_t row;        // of the head
  int64_t first_key;  // of the tile
  uint32_t maximum;   // what P was made with, in units of the scores that the maximum is of
  std::span<const uint32_t> unrounded;
  std::span<const uint32_t> cast;
};

// What a row has after a tile: S before its scale, -infinity where a key is hidden, and what runs
// on to the next tile.
struct RowAfterTile {
  int64_t row;        // of the head
  int64_t first_key;  // of the tile
  uint32_t maximum;
  std::span<const uint32_t> scores;
  std::span<const uint32_t> lane_sums;  // of as many lanes as run on; else l in the first
  std::span<const uint32_t> output;     // before it is divided by the row sum
};

// Sees them row after row and tile after tile, the row tiles of a head perhaps at the same time.
class ProbabilityObserver {
 public:
  ProbabilityObserver() = default;
  ProbabilityObserver(const ProbabilityObserver&) = delete;
  ProbabilityObserver& operator=(const ProbabilityObserver&) = delete;
  virtual ~ProbabilityObserver() = default;
  virtual void probabilities(const ProbabilityRow& p) = 0;
  // After the probabilities of the same row and tile.
  virtual void after_tile(const RowAfterTile&) {}
};

template <class Sink>
class ForwardPass {
 public:
  ForwardPass(const Plan& plan, const HeadOperands& head, Sink& sink);

  // `observer` may be null.
  void run(const TileRows& rows, TileOutput& out, ProbabilityObserver* observer = nullptr);

 private:
  void run_whole(const TileRows& rows, TileOutput& out);
  void run_parts_normalised(const TileRows& rows, TileOutput& out);
  void run_parts_as_they_are(const TileRows& rows, TileOutput& out);
  bool run_part(const TileRows& rows, int64_t part);
  void visit(const TileRows& rows, const Visit& visit);
  void visit_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys, bool last);
  void score_row(int64_t row, const KeySpan& keys);
  void keep_scores(const KeySpan& keys);
  void show_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys);
  void cast_row(const TermsOfRow& terms, int64_t row, const KeySpan& keys);
  void accumulate(int64_t row, const KeySpan& keys, const uint32_t* from, uint32_t* to);
  uint32_t* running(int64_t row) { return &o_[static_cast<size_t>(row * plan_.problem.dim)]; }

  const Plan& plan_;
  const HeadOperands& head_;
  Machine<Sink> machine_;
  ProbabilityObserver* observer_ = nullptr;
  Operand q_;          // tile_rows x dim
  Operand p_;          // 1 x tile_keys
  ColumnTile k_tile_;  // these two only where roundings are logged
  ColumnTile v_tile_;
  std::vector<uint32_t> scores_;  // tile_keys: S, then P, of one row
  std::vector<uint32_t> scaled_;  // tile_keys: what the maximum is taken over, where not S
  std::vector<uint32_t> shown_;   // tile_keys: S once more, where somebody looks
  ChainSums sums_;                // of one row
  std::vector<uint32_t> update_;  // dim: a tile's product, where O is kept in memory
  TileEnds ends_;                 // of the row tile
  HeadTerms terms_;               // of its head
  std::vector<RowState> states_;  // tile_rows
  std::vector<uint32_t> o_;       // tile_rows x dim, the running output
  PartialRows parts_;             // with split keys: every part's O and LSE
};

extern template class ForwardPass<NullSink>;
extern template class ForwardPass<ScalarSink>;
extern template class ForwardPass<TileLog>;
extern template class ForwardPass<HistorySink>;

}  // namespace ulpscope
