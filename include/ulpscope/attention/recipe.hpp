// A kernel is a row: how one library's attention orders, scales, sums and rounds.
//
// The pass (forward.hpp) is written once, in named steps; a recipe chooses among them and gives
// the sizes. What real kernels do is found by compiling, disassembling and comparing bits; every
// recipe names where its numbers come from and which recordings hold it.
//
//   recipe_named("fa2-torch").tiles -> 128 x 128 at head size 64
//
// Adding a kernel: a file in recipes/ with its row, one line in the table of recipe.cpp and, if it
// does something that no kernel here does yet, one more enumerator and one more named step.
// Tested by tests/attention/recipe_test.cpp and, against hardware, tests/captured.
#pragma once

#include "ulpscope/attention/backward_rules.hpp"
#include "ulpscope/attention/casts.hpp"
#include "ulpscope/attention/problem.hpp"

#include <array>
#include <span>
#include <string_view>

namespace ulpscope {

// Who computes: the tiled pass, or the reference rounded once at the output.
enum class Engine {
  tiled,
  reference,
};

enum class KeyOrder {
  ascending,
  descending,
};

// How a score becomes the argument of the exponential; c = binary32(scale * log2 e).
enum class Scaling {
  multiply_then_subtract,  // RN(RN(S c) - RN(m c))
};

enum class Exponential {
  ex2,  // exp2f: MUFU.EX2 with the scaling that keeps subnormal results
};

// The sum of a row of P: lane t of `lanes` adds the columns c with (c / 2) mod lanes = t, in
// ascending order; lanes are joined at the end by a butterfly with the distances lanes/2 ... 1.
struct RowSum {
  int lanes;
  // Whether the first addition of a tile is fused with the rescaling of the old sum:
  // fma(sum, r, P) instead of RN(sum r) + P.
  bool first_addition_fused;
};

enum class Normalise {
  multiply_by_reciprocal,  // O * RN(1 / l)
};

// Form of the log-sum-exp.
enum class LogSumExp {
  fused_natural,  // fma(m, scale, RN(log2 l * ln 2)), log2 by MUFU.LG2
};

// Splitting the keys over several blocks, whose outputs a second kernel combines.
struct SplitKeys {
  std::span<const TileRow> tiles;  // empty: the kernel never splits
  // The splitting decision counts row tiles of this height, and two blocks a multiprocessor.
  int64_t rows_counted;
  int most_parts;
};

struct Recipe {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  Engine engine;
  std::span<const Format> formats;  // that the kernel takes; empty: every format of 16 bits
  std::span<const TileRow> tiles;   // the last one has the largest head size

  SplitKeys split;
  Alignment alignment;  // of a mask's diagonal
  KeyOrder key_order;
  Scaling scaling;
  Exponential exponential;
  RowSum row_sum;
  Normalise normalise;
  LogSumExp log_sum_exp;
  // One query row and fewer K/V heads: the heads of a group become query rows.
  bool folds_group_into_rows;
  // Sites that round into the input's format; all others are binary32, nearest even.
  std::span<const Site> input_format_sites;
  // The backward pass; null where the kernel has none here.
  const BackwardRules* backward;
};

std::span<const Recipe* const> recipes();

// The recipe of that name; an unknown one is an Error of kind usage that lists them.
const Recipe& recipe_named(std::string_view name);

// The recipe's own casts for a problem in this format.
PrecisionMap precision_map(const Recipe& recipe, const Format& input);

}  // namespace ulpscope
