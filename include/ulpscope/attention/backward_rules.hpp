// The backward half of a kernel's row: in which order it recomputes, scales, sums and rounds.
//
//   delta = rowsum(dO O)    P from S and the LSE    dP = dO.V^T    dS = P (dP - delta)
//   dV = P^T.dO             dK = scale dS^T.Q       dQ = scale dS.K
//
// Every kernel computes these; what differs is listed here, as the forward's choices are in
// recipe.hpp. Sources stand with the rows in recipes/.
// Tested by tests/attention/backward_test.cpp and, against hardware, tests/captured.
#pragma once

#include "ulpscope/attention/tile_row.hpp"
#include "ulpscope/trace/site.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

// A butterfly over n lanes: with the distances n/2 ... 2, 1, or 1, 2 ... n/2.
enum class Butterfly { far_first, near_first };

// How a lane adds the products x y of its columns.
enum class DeltaSum {
  second_product_first,  // fma(x0, y0, RN(x1 y1)), then fma(x, y, a) in order
  fused,                 // fma(x, y, a) in order, from +0
  products,              // RN(x0 y0), then a + RN(x y) in order
  pairs_of_products,     // RN(x0 y0) + RN(x1 y1), then a + (RN(x y) + RN(x' y'))
};

// Lane t of `lanes` owns the columns [t c, (t + 1) c) of every page of lanes c columns, c =
// `columns`. Lanes of one warp are joined by the butterfly, then the warps in order.
struct DeltaLayout {
  int64_t largest_dim;
  int lanes;
  int columns;
};

enum class DeltaKept { binary32, input_format };

struct DeltaRule {
  std::span<const DeltaLayout> layouts;  // by head size, ascending
  // Layouts that the library may take instead, by timing them: all rows that fit a head size.
  std::span<const DeltaLayout> tuned;
  DeltaSum sum;
  Butterfly join;
  DeltaKept kept = DeltaKept::binary32;
};

// From a score S and the row's statistic L to P; c = binary32(scale log2 e), g = log2 e.
enum class Recompute {
  scaled_less_scaled,  // 2^(RN(S c) - RN(L g))
  fused_less_scaled,   // 2^fma(S, c, -RN(L g))
  natural_by_expf,     // e^(RN(S scale) - L), the library's expf
  natural_rounded,     // the same, correctly rounded
  natural_by_ex2,      // 2^(fma(S, scale, -L) g)
  // L in base 2: 2^(RN(RN(S scale) g) - L), but 2^fma(RN(S scale), g, -L) in blocks that the kernel
  // knows to be full.
  base2,
};

// Which P dS is made of.
enum class GradientProbability { unrounded, cast };

// Where the softmax scale enters.
enum class GradientScale {
  after_products,  // dK and dQ times the scale, before they are stored
  inside,          // dS = RN(RN(P (dP - delta)) scale), rounded to 16 bits with it
};

// How dQ is put together from the key tiles.
enum class QueryGradient {
  one_chain,       // the accumulator goes from key tile to key tile
  atomic_buffers,  // key tiles dealt out to buffers, added there by atomics that flush, then summed
  sum_of_parts,    // a fresh accumulator a key tile; their binary32 sum
};

// What a kernel makes of a call that asks for no fixed order (GradientOrder::any).
enum class AnyOrder {
  as_ever,     // the same kernel, whatever is asked
  one_buffer,  // atomic_buffers with a single buffer, to which key tiles are added as they come
  unknown,
};

// How dK and dV are put together from the row tiles.
enum class KeyGradient {
  one_chain,     // the accumulators go from row tile to row tile
  sum_of_parts,  // a fresh accumulator a row tile; their binary32 sum
};

// What multiplies P and dS with their partners.
enum class GradientProducts {
  tensor_cores,
  fma_chain,  // binary32, a term after the other
};

// The order in which the row tiles of a key tile are swept, and key tiles for dQ.
enum class BlockOrder {
  rows_descending,           // keys ascending
  rows_ascending,            // keys ascending
  rows_ascending_keys_down,  // keys descending under a mask, else ascending
  partial_before_full,       // 128 x 128 blocks with a hidden pair first, then the others
};

// The heads that share a K/V head: what becomes of their dK and dV.
enum class GroupGradient {
  rounded_then_summed,  // each rounded to the output, then added in binary32 and rounded
  one_chain,            // head after head through the same accumulators
};

struct BackwardRules {
  std::span<const TileRow> tiles;
  BlockOrder order;
  DeltaRule delta;
  Recompute recompute;
  GradientProbability probability;
  GradientScale scale;
  QueryGradient query_gradient;
  GroupGradient group;
  // Beside those of the forward: sites in the input's format, and sites whose step flushes
  // subnormal operands and results to zero.
  std::span<const Site> input_format_sites;
  std::span<const Site> flushed_sites;
  KeyGradient key_gradient = KeyGradient::one_chain;
  GradientProducts products = GradientProducts::tensor_cores;
  AnyOrder any_order = AnyOrder::as_ever;
};

}  // namespace ulpscope
