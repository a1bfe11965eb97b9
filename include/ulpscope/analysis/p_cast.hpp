// A row of P cast to 8 bits beside an attention sink: which probabilities vanish, and what that
// does to O.
//
//   PCast{.scale = 256}; cast_row(cast, scores, values)   -> lost, below_threshold, squared errors
//
// Online softmax in binary64, tile by tile; only P is rounded: code = RN(scale P), O = code.V /
// (scale l). With the sink in the first tile all other P are taken relative to its score, and one
// that lies d below the largest is rounded to zero where
//   d >= ln(2 / smallest positive number) + ln scale        6.93 + ln scale in e4m3
// In descending order the sink comes last: only the keys in its own tile are that small.
//
// Limits: one row, no mask. The source states the threshold for a static scale; tiles are ours.
// Source: arXiv 2606.06521 (its abstract). Tested by tests/analysis/p_cast_test.cpp.
#pragma once

#include "ulpscope/analysis/any_rounding.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

enum class TileOrder { ascending, descending };

struct PCast {
  Format format = e4m3fn;
  AnyRounding rounding = nearest_even;
  double scale = 1;  // of P before the cast
  int64_t tile = 128;
  TileOrder order = TileOrder::ascending;
  uint64_t seed = 1;  // of a stochastic rounding
};

// How far below the largest score a probability vanishes, to nearest.
double vanishing_gap(const PCast& cast);

struct CastRow {
  int64_t keys = 0;
  int64_t lost = 0;             // P above zero, cast to zero
  int64_t below_threshold = 0;  // scores that lie vanishing_gap or more below the row's largest
  int64_t elements = 0;         // of O
  double squared_error = 0;     // sum over O
  double squared_exact = 0;     // sum over O

  void merge(const CastRow& other);
};

// `values` is (keys, features), row-major. Wants the host to round to nearest (host_fp.hpp).
CastRow cast_row(const PCast& cast, std::span<const double> scores, std::span<const double> values);

}  // namespace ulpscope
