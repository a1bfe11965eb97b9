// The backward pass of one head, driven by a plan, in the verbs of the forward pass:
//
//   delta = rowsum(dO O)                                   delta, delta_cast
//   for the tiles of the schedule
//     S = Q.K^T, P again from the LSE                      bwd_...
//     dP = dO.V^T                                          dp
//     dS = P (dP - delta)                                  dp_minus_delta, ds, ds_cap, ds_scale
//     P16 = cast P, dS16 = cast dS                         ..._cast
//     dV = dV + P16^T.dO,  dK = dK + dS16^T.Q              dv_accumulate, dk_accumulate
//     dQ = dQ + dS16.K                                     dq_accumulate, dq_add, dq_combine
//     or + of each tile's own product                      d._combine
//   dK scale, dQ scale, stored                             ..._scale, ..._store
//
// The accumulators of a head live through the whole schedule, so that dK and dV may be swept in
// one order and dQ in another; memory is O(N D), and of the scores only one tile exists. The
// elements of a tile's products are independent of each other and are spread over threads, so
// results do not depend on their number.
//
// Limits: hidden pairs count as P = dS = 0 without being computed (an infinity or NaN that only
// hidden pairs meet leaves no trace). Tested by tests/attention/backward_test.cpp and
// tests/captured.
#pragma once

#include "ulpscope/attention/delta.hpp"
#include "ulpscope/attention/exact_products.hpp"
#include "ulpscope/attention/recompute.hpp"
#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/trace/log.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace ulpscope {

// One head's tensors: codes, what the forward pass left, and the terms of its scores.
struct HeadInputs {
  std::span<const uint16_t> q;     // (rows, dim)
  std::span<const uint16_t> k;     // (keys, dim)
  std::span<const uint16_t> v;     // (keys, dim)
  std::span<const uint16_t> dout;  // (rows, dim)
  std::span<const uint32_t> o;     // (rows, dim) as registers
  std::span<const uint32_t> lse;   // (rows): natural, or what the recipe keeps for its backward
  HeadTerms terms = {};
  std::span<const uint32_t> delta = {};  // (rows), in place of rowsum(dO O); or empty
};

// Registers before the store's code, and delta (rows).
struct HeadGradients {
  std::vector<uint32_t> dq;  // (rows, dim)
  std::vector<uint32_t> dk;  // (keys, dim)
  std::vector<uint32_t> dv;  // (keys, dim)
  std::vector<uint32_t> delta;
};

// A row of a tile as it passes: the pairs with the keys [first_key, first_key + count) that it
// sees.
struct PairRow {
  int64_t row;
  int64_t first_key;
  int64_t count;
  const uint32_t* p;  // as the products take them: P16, dS16
  const uint32_t* dp;
  const uint32_t* ds;
};

// Sees the pairs of one query head, every pair once, the rows of a tile perhaps at the same time.
class PairObserver {
 public:
  PairObserver() = default;
  PairObserver(const PairObserver&) = delete;
  PairObserver& operator=(const PairObserver&) = delete;
  virtual ~PairObserver() = default;
  virtual void row(const PairRow& pairs) = 0;
};

// The accumulators of dK and dV: kept from head to head where a group shares them.
struct KeyAccumulators {
  std::vector<uint32_t> dk;
  std::vector<uint32_t> dv;
};

// Runs body(first, end) over pieces of [0, count), perhaps at the same time.
using Spread = std::function<void(int64_t count, const std::function<void(int64_t, int64_t)>&)>;

template <class Sink>
class BackwardPass {
 public:
  // `sink` is called for the sink of the calling thread.
  BackwardPass(const BackwardPlan& plan, Spread spread, std::function<Sink&()> sink);

  // delta, and dQ to the end; dK and dV are added to the accumulators. `observer` may be null.
  void run(const HeadInputs& head, KeyAccumulators& keys, HeadGradients& out,
           PairObserver* observer = nullptr);
  // dK and dV, scaled and rounded.
  void finish(const KeyAccumulators& keys, HeadGradients& out);

 private:
  struct Tile;
  void load(const HeadInputs& head);
  uint32_t kept_delta(const Machine<Sink>& machine, int64_t row, const std::vector<uint32_t>& dout,
                      const uint32_t* o) const;
  Contraction contraction(BlockKind kind) const;
  void visit(const Tile& tile, KeyAccumulators& keys);
  void row_of_tile(const Tile& tile, int64_t row);
  void key_of_tile(const Tile& tile, KeyAccumulators& keys, int64_t key);
  void dq_of_tile(const Tile& tile, int64_t row);
  void combine_buffer();
  const ChainSums& gradient_chains(const Machine<Sink>& machine, ChainRow a, const ChainColumns& b,
                                   int64_t length, ChainSums& sums) const;

  const BackwardPlan& plan_;
  Spread spread_;
  std::function<Sink&()> sink_;
  std::vector<KeyVisit> schedule_;
  PairObserver* observer_ = nullptr;

  // The head, decoded: rows for the scores and dP, columns for the gradients.
  Operand q_rows_, q_columns_, k_rows_, k_columns_, v_rows_, do_rows_, do_columns_;
  std::vector<uint32_t> delta_;
  std::vector<uint32_t> shift_;  // what the exponent takes off, by row
  HeadTerms terms_;              // of the head

  // One tile: P and dS as registers, then as operands of the products.
  std::vector<uint32_t> p_, ds_;  // (tile_rows, tile_keys)
  std::vector<uint32_t> tanhs_;   // likewise, of capped scores
  Operand p_by_key_, ds_by_key_;  // (tile_keys, tile_rows)
  Operand ds_by_row_;             // (tile_rows, tile_keys)

  std::vector<uint32_t> dq_;      // (rows, dim): the chain, or the sum of what is complete
  std::vector<uint32_t> buffer_;  // (rows, dim), with atomic_buffers

  // Only where roundings are logged.
  ColumnTile k_tile_, v_tile_, do_columns_tile_, q_columns_tile_, k_columns_tile_;
};

extern template class BackwardPass<NullSink>;
extern template class BackwardPass<TileLog>;

}  // namespace ulpscope
