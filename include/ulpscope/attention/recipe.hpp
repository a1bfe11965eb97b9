// A kernel is a row: how one library's attention orders, scales, sums and rounds.
//
// The pass (forward.hpp) is written once, in named steps; a recipe chooses among them and gives
// the sizes. What real kernels do is found by compiling, disassembling and comparing bits; every
// recipe names where its numbers come from and which recordings hold it.
//
//   recipe_named("fa2-torch").tiles -> 128 x 128 at head size 64
//
// Adding a kernel: a file in recipes/ with its row, one line in the table of recipe.cpp and, if it
// does something that no kernel here does yet, one more enumerator and one more named step:
// docs/adding_a_kernel.md.
// Tested by tests/attention/recipe_test.cpp and, against hardware, tests/captured.
#pragma once

#include "ulpscope/attention/backward_rules.hpp"
#include "ulpscope/attention/casts.hpp"
#include "ulpscope/attention/problem.hpp"
#include "ulpscope/attention/unfused.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace ulpscope {

// Factors of Q, K and V that a kernel takes beside their codes (Descale).
enum class TensorFactors {
  none,
  per_tensor,  // RN(RN(scale q) k) is the scale, and RN(v / l) takes the place of 1 / l
};

// Who computes: the tiled pass, or the reference rounded once at the output.
enum class Engine {
  tiled,
  reference,
};

enum class KeyOrder {
  ascending,
  descending,
  // Under a mask: the mask_block x mask_block blocks in which a pair is hidden, then those in which
  // none is; each list ascending, and the tiles inside a block.
  partial_before_full,
};

// Which windows a kernel takes beside the causal mask.
enum class Windows {
  none,
  within_keys,  // a side of as many keys as there are, or more, is unbounded
  any,
};

// How a score becomes the argument of the exponential, and what the running maximum m is taken
// over; g = binary32(log2 e).
enum class Scaling {
  after_maximum,  // m over S; RN(RN(S c) - RN(m c)), c = binary32(scale * log2 e)
  one_product,    // m over s = RN(S c), c = RN(scale g); RN(s - m)
  two_products,   // m over s = RN(RN(S scale) g); RN(s - m)
  natural,        // m over s = RN(S scale); RN(s - m), for an exponential to the base e
};

// Whether the last product and the difference after it round once: fma(RN(S scale), g, -m), or
// fma(S, c, -RN(m c)) after a maximum over S. One compiler does so where it sees that no score is
// hidden: both lengths are multiples of mask_block, and no mask is evaluated in the tile.
enum class ExponentContraction {
  never,
  where_nothing_is_hidden,
  always,
};

enum class Exponential {
  ex2,      // exp2f: MUFU.EX2 with the scaling that keeps subnormal results
  ex2_ftz,  // MUFU.EX2 alone: subnormals are zeros
  expf,     // the library's expf
  rounded,  // e^x, correctly rounded
};

// Where a row that has seen only scores of -infinity subtracts 0 in their place.
enum class EmptyRows {
  guarded_in_masked_tiles,  // Plan::guarded_tiles
  guarded,
};

// In which tiles the old sums are brought down to the new maximum.
enum class Rescaling {
  every_tile,
  where_maximum_rose,
};

// How a tile's P join the row sum l.
enum class Carry {
  first_addition,  // lanes run on through the tiles: fma(lane, r, first P), then lane + P
  lane_sums,       // the tile's lanes alone, then fma(lane, r, the tile's lane)
  tile_sum,        // the tile's lanes joined, then fma(l, r, tile sum)
  group_sums,      // RN(l r), then the joined lanes of 32 columns after 32 columns are added
  separate,        // the tile's lanes joined, then RN(RN(l r) + tile sum)
};

// The sum of a row of P: lane t of `lanes` adds the columns c with (c / columns) mod lanes = t, in
// ascending order. Lanes that run on through the tiles are joined at the end.
struct RowSum {
  int lanes;
  Carry carry;
  Butterfly join;
  int columns = 2;
  int neighbours = 1;       // so many lanes side by side are added in order, before the butterfly
  uint32_t tile_least = 0;  // where has_tile_sum: a smaller tile sum becomes this binary32 number
};

// Whether the sum of a tile's P is a number of its own before it joins l.
constexpr bool has_tile_sum(Carry carry) {
  return carry == Carry::tile_sum || carry == Carry::separate;
}

// Where the running O lives between tiles.
enum class Accumulator {
  registers,
  // In binary32 memory, updated once a tile by a product that starts at 0; 1/l enters in the last
  // update: RN(O / l), or fma(r, O, a) in the middle and fma(1/l, a, RN(RN(r / l) O)) at the end.
  memory,
  tile_products,  // every tile's product starts at 0 and is rounded by itself: RN(O r) + product
};

enum class Normalise {
  multiply_by_reciprocal,  // O * RN(1 / l)
  multiply_by_rcp,         // O * MUFU.RCP(l)
  divide,                  // RN(O / l)
};

// What 1 / l and ln l are for a row sum that cannot be divided by.
enum class UnusableSum {
  zero_or_nan,  // 1 and +infinity
  zero,         // 1, and ln l as it comes
  one,          // l itself becomes 1
};

// Form of the log-sum-exp; log2 by MUFU.LG2 where no library function is named.
enum class LogSumExp {
  scale_fused,       // fma(m, scale, RN(log2 l * ln 2))
  maximum_fused,     // fma(m, ln 2, RN(log2 l * ln 2))
  logarithm_fused,   // fma(log2 l, ln 2, RN(m * ln 2))
  natural_sum,       // RN(RN(m / g) + logf(l))
  product_of_base2,  // RN(RN(m + log2f(l)) * ln 2)
  kept_sum,          // RN(m + logf(l)), l rounded as where it is kept in memory
  rounded_sum,       // RN(m + RN(ln l))
};

// How many parts the keys are cut into.
enum class SplitRule {
  never,
  // As FlashAttention-2's host code: the fewest parts that fill the chip to 85 % of the best.
  fill_multiprocessors,
  // One query row only: a power of two up to 64, not above the whole tiles nor what fills the chip
  // twice; no split up to 512 keys or where the heads already take half of the multiprocessors. An
  // inference from recordings.
  power_of_two_one_row,
};

// Which tiles a part visits.
enum class Dealing { contiguous, round_robin };

// How parts are joined.
enum class Combine {
  normalised,    // every part has its own O and LSE (combine_row)
  unnormalised,  // every part has O, l and m as they are (combine_sums)
};

// What expf and logf of combine_row are compiled to.
enum class LibraryFunctions {
  accurate,  // the library's expf; RN(logf(sum) + max)
  fast,      // MUFU.EX2(RN(x log2 e)); fma(MUFU.LG2(sum), ln 2, max)
};

// Splitting the keys over several blocks, whose outputs are combined.
struct SplitKeys {
  SplitRule rule;
  std::span<const TileRow> tiles;  // of split kernels
  // The splitting decision counts row tiles of this height, and two blocks a multiprocessor.
  int64_t rows_counted;
  int most_parts;
  Dealing dealing;
  Combine combine;
  LibraryFunctions functions = LibraryFunctions::accurate;
};

struct Recipe {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  Engine engine;
  std::span<const Format> formats;  // that the kernel takes; empty: every format of 16 bits
  std::span<const TileRow> tiles;   // the last one has the largest head size

  SplitKeys split;
  // Terms of a step of the matrix instruction, where it is shorter than the chip's longest; or 0.
  int product_terms;
  Alignment alignment;  // of a mask's diagonal
  Windows windows;
  KeyOrder key_order;
  int64_t mask_block;  // rows and keys of a block of the mask; 0 where none are listed
  EmptyRows empty_rows;
  Scaling scaling;
  ExponentContraction contraction;
  Exponential exponential;
  Rescaling rescaling;
  RowSum row_sum;
  int64_t largest_dim_in_registers;  // larger heads keep O in memory (Accumulator)
  Normalise normalise;
  UnusableSum unusable_sum;
  LogSumExp log_sum_exp;
  // One query row and fewer K/V heads: the heads of a group become query rows.
  bool folds_group_into_rows;
  // Sites that round into the input's format; all others are binary32, nearest even.
  std::span<const Site> input_format_sites;
  // Sites whose step flushes subnormal operands and results to zero.
  std::span<const Site> flushed_sites;
  // The backward pass; null where the kernel has none here.
  const BackwardRules* backward;

  // Below what most kernels do alike.
  const Recipe* one_row = nullptr;  // the kernel of problems of one query row, where it is another
  std::string_view caveat = {};     // a note of every result; empty where recordings hold the row
  std::span<const SiteOverride> own_casts = {};  // sites with a format of their own
  TensorFactors factors = TensorFactors::none;
  std::optional<KnownProblem> only = {};
  HiddenKeys hidden_keys = HiddenKeys::left_out;
  std::optional<StableMaximum> stable = {};
  Accumulator accumulator = Accumulator::registers;  // of heads that are not too large for it
  std::span<const TileEnds> tile_ends = {};          // by row tile; the last one serves the rest
  // Terms of the score that the kernel takes; with Engine::tiled the scaling is natural or by two
  // products, so that there is a scaled score to add them to.
  std::span<const ScoreTerm> score_terms = {};
};

std::span<const Recipe* const> recipes();

// The recipe of that name; an unknown one is an Error of kind usage that lists them.
const Recipe& recipe_named(std::string_view name);

// The recipe's own casts for a problem in this format.
PrecisionMap precision_map(const Recipe& recipe, const Format& input);

}  // namespace ulpscope
