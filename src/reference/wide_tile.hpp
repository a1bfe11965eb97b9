// Sums over rows for a block of keys: 64 rows by the block at a time, two weights a pair.
//
// The gradients fill a tile with P and dS, their bounds with what may be wrong with these; the
// rows' q and dO are then summed with the weights in one shape: rows in blocks of 64 from row 0, in
// ascending order those that see the key, from zero, then added to the total.
// Tested by tests/reference/wide_gradients_test.cpp.
#pragma once

#include "ulpscope/reference/wide_gradients.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "wide_sums.hpp"

namespace ulpscope::wide {

// The operands of a row, and of those after it.
struct RowOperands {
  const double* q;     // [dim_qk]
  const double* dout;  // [dim_v]
};

inline RowOperands row_operands(const GradientHead& gradient, int64_t row) {
  return {gradient.head.q + row * gradient.head.dim_qk, gradient.dout + row * gradient.head.dim_v};
}

struct Tile {
  KeyRange keys;
  std::array<KeyRange, block_terms> seen{};  // by each row; within keys
  std::vector<double> value;                 // [rows, keys], weights of dO
  std::vector<double> key;                   // [rows, keys], weights of q

  explicit Tile(KeyRange block)
      : keys(block),
        value(static_cast<size_t>(block_terms * (block.last - block.first))),
        key(value.size()) {}
};

// The keys of `block` that a row sees; first == last if none.
inline KeyRange seen_keys(KeyRange row, KeyRange block) {
  const int64_t first = std::clamp(row.first, block.first, block.last);
  return {first, std::max(first, std::min(row.last, block.last))};
}

// total[j] += sum_i weights[i, j] term(values[i]) over the rows of a tile, for every key j.
template <class Term>
void add_rows(const Tile& tile, const std::vector<double>& weights, int64_t rows,
              const double* values, int64_t dim, double* total, Term term) {
  const int64_t keys = tile.keys.last - tile.keys.first;
  std::vector<double> block(static_cast<size_t>(dim));
  std::array<double, block_terms> weight;
  std::array<const double*, block_terms> row;
  for (int64_t j = 0; j < keys; ++j) {
    const int64_t key = tile.keys.first + j;
    size_t n = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const KeyRange seen = tile.seen[static_cast<size_t>(i)];
      if (key < seen.first || key >= seen.last) continue;
      weight[n] = weights[static_cast<size_t>(i * keys + j)];
      row[n++] = values + i * dim;
    }
    std::fill(block.begin(), block.end(), 0.0);
    add_weighted(
        block, weight.data(), static_cast<int64_t>(n),
        [&row](int64_t i) { return row[static_cast<size_t>(i)]; }, term);
    for (size_t f = 0; f < block.size(); ++f) total[f] += block[f];
    total += dim;
  }
}

// out.dk and out.dv: zero, then the sums over all rows. fill(row, keys, value, key) gives the
// weights of the pairs of a row and the keys that it sees.
template <class Fill, class Term>
void sum_over_rows(const GradientHead& gradient, std::span<const WideRowSummary> rows,
                   KeyRange keys, Fill fill, Term term, std::vector<double>& dk,
                   std::vector<double>& dv) {
  const ReferenceHead& head = gradient.head;
  const int64_t n = keys.last - keys.first;
  dk.assign(static_cast<size_t>(n * head.dim_qk), 0.0);
  dv.assign(static_cast<size_t>(n * head.dim_v), 0.0);
  Tile tile(keys);
  for (int64_t first = 0; first < head.rows; first += block_terms) {
    const int64_t count = std::min(block_terms, head.rows - first);
    for (int64_t i = 0; i < count; ++i) {
      const KeyRange seen = seen_keys(rows[static_cast<size_t>(first + i)].keys, keys);
      const int64_t at = i * n + seen.first - keys.first;
      tile.seen[static_cast<size_t>(i)] = seen;
      fill(first + i, seen, tile.value.data() + at, tile.key.data() + at);
    }
    const RowOperands operands = row_operands(gradient, first);
    add_rows(tile, tile.key, count, operands.q, head.dim_qk, dk.data(), term);
    add_rows(tile, tile.value, count, operands.dout, head.dim_v, dv.data(), term);
  }
}

}  // namespace ulpscope::wide
