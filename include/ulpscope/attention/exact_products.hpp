// The exact values of many dot products at once: a row against the columns of a tile, what its
// chains of fused sums are judged by.
//
//   ColumnTile keys;  keys.measure(k, first, count, 0, dim);       // once a tile
//   const ExactDots exact({q, row, 0}, {keys, 0}, dim);        // once a row
//   exact.row(0, count, values);                                   // sums over d of q[d] k[j][d]
//   exact(j)                                                       // one of them, in 128 bits
//
// Method. Factors are numbers of at most 12 bits, so that binary64 holds products of two exactly,
// and sums of them as long as no bit is lost at either end. Let the factors of the row be multiples
// of 2^q below 2^(q + A), those of a column multiples of 2^r below 2^(r + B). Then every partial
// sum of n products, in any order, is a multiple of 2^(q + r) below n 2^(q + r + A + B): exact if
//
//   A + B + log2 n <= 53
//
// Where the row is spread further, its terms are dealt out to windows of exponents that keep to
// this; each term belongs to one window, so that the work stays the same. The windows' sums, and
// what the chain began with, are added without error into two numbers; where these do not hold the
// sum, its bits being more than 106 places apart, the value is left to the scalar function, and so
// is a column whose own exponents are spread over more than `widest_column` bits.
//
// Host only. Tested by tests/attention/exact_products_test.cpp against exact_dot.
#pragma once

#include "ulpscope/attention/exact_row.hpp"
#include "ulpscope/attention/machine.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

// Rows [first, first + count) of a packed operand, as columns of products, the terms [from, from +
// length) of each.
class ColumnTile {
 public:
  static constexpr int widest_column = 32;

  void measure(const Operand& operand, int64_t first, int64_t count, int64_t from, int64_t length);

  const Operand& operand() const { return *operand_; }
  int64_t first() const { return first_; }
  int64_t from() const { return from_; }
  // B: the bits of the widest column that is held.
  int bits() const { return bits_; }
  bool all_held() const { return all_held_; }
  bool holds(int64_t column) const { return held_[static_cast<size_t>(column)] != 0; }

 private:
  const Operand* operand_ = nullptr;
  int64_t first_ = 0;
  int64_t from_ = 0;
  int bits_ = 0;
  bool all_held_ = false;
  std::vector<uint8_t> held_;
};

// The columns of a tile from `first` on, and the registers that their chains begin with; null for
// zeros.
struct TileColumns {
  const ColumnTile& tile;
  int64_t first = 0;
  const uint32_t* start = nullptr;
};

class ExactDots {
 public:
  // `length` terms of the row with the first `length` of each column.
  ExactDots(ChainRow a, const TileColumns& b, int64_t length);

  // `count` columns, counted from the first of TileColumns.
  void row(int64_t first, int64_t count, ExactValues& to) const;
  // One column.
  Exact<uint128> operator()(int64_t column) const;

 private:
  struct Window {
    int64_t begin;
    int64_t count;
  };
  void deal_out(const float* factors, int room);

  ChainRow a_;
  TileColumns b_;
  int64_t length_;
  std::vector<double> factors_;
  std::vector<int32_t> terms_;  // of each factor; empty: one window, in order
  std::vector<Window> windows_;
};

}  // namespace ulpscope
