// Problems drawn from a law: inputs whose rounding behaves in a known way, from a seed.
//
//   draw({.kind = LawKind::ties, .gap = 14, .sink = 0.5}, {.rows = 1024, .keys = 1024})
//     -> q, k, v, do as bf16 codes
//
// | law      | Q, K                                                   | V, dO                     |
// | normal   | N(0, 1)                                                | N(0, 1)                   |
// | uniform  | uniform in [0, 1)                                      | the same                  |
// | ties     | every row meets `maxima` keys that are alike, at its    | uniform in (-2, -1); V of
// | |          | maximum; all others lie about `gap` below               | the keys alike x `sink`
// | | outliers | N(0, 1), every 16th row times `outlier`                | N(0, 1) |
//
// Ties in detail, in natural units of the score for the scale 1/sqrt(dim). Keys are random signs;
// the first 64 x maxima are alike in groups. A row's q is the signs of a group that it sees under a
// causal mask too, chosen at random, scaled so that the group's score is `gap` above the mean of
// the others, whose standard deviation is gap / sqrt(dim - 1): with n others, the weight beside a
// maximum is about n exp(-gap + gap^2 / (2 (dim - 1))). One feature shifts a row's scores so that
// its maximum is uniform in level +- level_spread. With two maxima and a gap of 17 this is the
// resonance; `sink` sets its sign.
//
// A number depends on seed, tensor and index alone (round/random_bits.hpp), is computed in binary64
// by IEEE operations and rounded once, to nearest even: the same codes on every machine.
// Sources: Golden et al., arXiv 2405.02803 (uniform, normal); for the ties, the mechanism of Qiu
// and Yao, arXiv 2510.04212. Tested by tests/analysis/law_test.cpp.
#pragma once

#include "ulpscope/format/catalogue.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class LawKind : uint8_t { normal, uniform, ties, outliers };

struct LawRow {
  LawKind kind;
  std::string_view name;
  std::string_view summary;
};
inline constexpr std::array law_table{
    LawRow{LawKind::normal, "normal", "everything N(0, 1)"},
    LawRow{LawKind::uniform, "uniform", "everything uniform in [0, 1)"},
    LawRow{LawKind::ties, "ties", "equal maxima in every row, the other scores a gap below"},
    LawRow{LawKind::outliers, "outliers", "N(0, 1), every 16th row of Q and K scaled up"},
};

// The law of that name; an unknown one is an Error of kind usage that lists them.
LawKind law_named(std::string_view name);

struct Law {
  LawKind kind = LawKind::normal;
  uint64_t seed = 1;
  // Of ties, in natural units of the score.
  int64_t maxima = 2;
  double gap = 17;
  double level = 8;
  double level_spread = 4;
  double sink = 1;
  // Of outliers.
  double outlier = 16;
};

struct LawShape {
  int64_t heads = 1;
  int64_t rows = 1024;
  int64_t keys = 1024;
  int64_t dim = 64;
  Format format = bf16;  // of 16 bits or fewer
};

// (heads, rows or keys, dim), row-major.
struct LawTensors {
  std::vector<uint16_t> q;
  std::vector<uint16_t> k;
  std::vector<uint16_t> v;
  std::vector<uint16_t> dout;
};

// Error of kind usage where a size is not positive, or ties have more maxima than keys or fewer
// than two features.
LawTensors draw(const Law& law, const LawShape& shape);

}  // namespace ulpscope
