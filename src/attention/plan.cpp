#include "ulpscope/attention/plan.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/library_functions.hpp"
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace ulpscope {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The mask as the kernel takes it. Aligned to the last key, one query row sees all that a causal
// mask could hide.
Mask as_taken(const Recipe& recipe, const Problem& p) {
  Mask mask = p.mask;
  switch (recipe.windows) {
    case Windows::none:
      if (mask == no_mask || mask == causal_mask) break;
      throw Error(ErrorKind::usage,
                  fmt::format("kernel {} takes no windows here; expected no mask or a causal one",
                              recipe.name));
    case Windows::within_keys:
      if (mask.left >= p.keys) mask.left = Mask::unbounded;
      if (mask.right >= p.keys) mask.right = Mask::unbounded;
      break;
    case Windows::any: break;
  }
  const bool last_row_only = p.rows == 1 && recipe.alignment == Alignment::bottom_right;
  return last_row_only && mask == causal_mask ? no_mask : mask;
}

// In kernels that fold, the heads that share a K/V head become the query rows of a single one.
// Codes stay where they are.
Problem folded(const Recipe& recipe, Problem p) {
  p.mask = as_taken(recipe, p);
  const int64_t group = p.heads / p.kv_heads;
  const bool differ = p.terms.has(ScoreTerm::alibi) || p.terms.has(ScoreTerm::bias);
  const bool folds = recipe.folds_group_into_rows && p.rows == 1 && p.mask == no_mask && !differ;
  if (!folds || group == 1) return p;
  p.rows = group;
  p.heads = p.kv_heads;
  p.launch.heads = std::max<int64_t>(1, p.launch.heads / group);
  return p;
}

void require_format(const Recipe& recipe, const Format& format) {
  if (recipe.formats.empty()) return;
  std::string known;
  for (const auto& f : recipe.formats) {
    if (f == format) return;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", format_name(f));
  }
  throw Error(ErrorKind::usage, fmt::format("kernel {} takes {}; found {} (use --cast to round the "
                                            "inputs, or --format if the codes mean another format)",
                                            recipe.name, known, format_name(format)));
}

// The kernels that take a term, for a message.
std::string takers(ScoreTerm term) {
  std::string names;
  for (const Recipe* other : recipes()) {
    const auto& taken = other->score_terms;
    if (std::find(taken.begin(), taken.end(), term) == taken.end()) continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", other->name);
  }
  return names;
}

void require_terms(const Recipe& recipe, const Problem& p) {
  for (const ScoreTerm term : every_score_term) {
    const auto& taken = recipe.score_terms;
    if (!p.terms.has(term) || std::find(taken.begin(), taken.end(), term) != taken.end()) continue;
    throw Error(ErrorKind::usage, fmt::format("kernel {} takes no {} here; expected one of {}",
                                              recipe.name, name_of(term), takers(term)));
  }
}

// The scale with the factors of Q and K.
uint32_t scale_with_factors(const Recipe& recipe, const Problem& p) {
  if (p.descale == Descale{}) return p.scale;
  switch (recipe.factors) {
    case TensorFactors::per_tensor: break;
    case TensorFactors::none:
      throw Error(ErrorKind::usage,
                  fmt::format("--descale: kernel {} takes no factors of Q, K and V", recipe.name));
  }
  const auto binary32 = [](uint32_t bits) { return Soft<fp32>::from_bits(bits); };
  const auto scale = binary32(p.scale) * binary32(p.descale.q) * binary32(p.descale.k);
  if (!is_normal(fp32, scale.bits())) {
    throw Error(ErrorKind::usage,
                fmt::format("--descale: the scale times the factors of Q and K is {}; expected a "
                            "normal number of binary32",
                            static_cast<double>(scale)));
  }
  return scale.bits();
}

// Compiled code rounds where its fusions end, and these change with the shape.
void require_known(const Recipe& recipe, const Problem& p) {
  if (!recipe.only) return;
  const auto& [rows, keys, dim, mask] = *recipe.only;
  if (p.rows == rows && p.keys == keys && p.dim == dim && p.mask == mask) return;
  const auto described = [](int64_t r, int64_t k, int64_t d, const Mask& m) {
    return fmt::format("{} x {}, head size {}{}", r, k, d, m == causal_mask ? ", causal" : "");
  };
  throw Error(
      ErrorKind::usage,
      fmt::format("kernel {}: where compiled code rounds is known for {} only, which is two "
                  "row buckets of 512; found {}",
                  recipe.name, described(rows, keys, dim, mask),
                  described(p.rows, p.keys, p.dim, p.mask)));
}

}  // namespace

namespace {

// Only the tiled pass runs on tensor cores.
const MatrixUnit* unit_for(const Recipe& recipe, const Chip& chip, const Format& format) {
  switch (recipe.engine) {
    case Engine::tiled: return &matrix_unit(chip, format);
    case Engine::reference: return nullptr;
  }
  return nullptr;
}

// The reference rounds to nearest even, once; no other site exists in it.
void require_override(const Recipe& recipe, const SiteOverride& change) {
  switch (recipe.engine) {
    case Engine::tiled: return;
    case Engine::reference:
      if (change.site == Site::output_store && change.cast.rounding == nearest_even &&
          !change.cast.drawn) {
        return;
      }
      throw Error(ErrorKind::usage,
                  fmt::format("--set {}: kernel {} rounds once, to nearest even, at output_store; "
                              "expected output_store=FORMAT",
                              row_of(change.site).name, recipe.name));
  }
}

}  // namespace

namespace {

// The rule of FlashAttention-2's host code, in binary32 as there.
int64_t parts_that_fill(const SplitKeys& split, const Problem& p) {
  using Binary32 = Soft<fp32>;
  const auto binary32 = [](int64_t x) { return Binary32(static_cast<double>(x)); };
  const int64_t blocks = p.launch.batch * p.launch.heads * ceil_div(p.rows, split.rows_counted);
  const int64_t slots = 2 * int64_t{p.launch.multiprocessors};
  // The library compares in binary32: blocks >= 0.8f * slots.
  if (binary32(blocks) >= Binary32(0.8F) * binary32(slots)) return 1;
  const int64_t tiles = ceil_div(p.keys, tile_row(split.tiles, p).keys);
  const int64_t most = std::min({int64_t{split.most_parts}, slots, tiles});

  // Parts that leave the longest part as long as one part fewer are not worth trying.
  const auto eligible = [&](int64_t parts) {
    return parts == 1 || ceil_div(tiles, parts) != ceil_div(tiles, parts - 1);
  };
  const auto efficiency = [&](int64_t parts) {
    const Binary32 waves = binary32(blocks * parts) / binary32(slots);
    const auto whole = static_cast<int64_t>(static_cast<double>(waves));
    const bool fraction = !(binary32(whole) == waves);
    return waves / binary32(whole + (fraction ? 1 : 0));
  };
  Binary32 best(0.0);
  for (int64_t parts = 1; parts <= most; ++parts) {
    if (eligible(parts) && efficiency(parts) > best) best = efficiency(parts);
  }
  for (int64_t parts = 1; parts <= most; ++parts) {
    if (eligible(parts) && efficiency(parts) >= Binary32(0.85F) * best) return parts;
  }
  return 1;
}

// Fits some sixty launches that were recorded (docs/numerics/kernels.md). Where the thresholds lie
// is open: the keys' in (512, 640], the heads' in (64, 100].
int64_t power_of_two_parts(const SplitKeys& split, const Problem& p) {
  constexpr int64_t most_whole_keys = 512;
  const int64_t blocks = p.launch.batch * p.launch.heads;
  const bool fills = 2 * blocks > p.launch.multiprocessors;
  if (p.rows != 1 || p.keys <= most_whole_keys || fills) return 1;
  const int64_t whole_tiles = p.keys / tile_row(split.tiles, p).keys;
  const int64_t most =
      std::min({int64_t{split.most_parts}, whole_tiles, 2 * p.launch.multiprocessors / blocks});
  int64_t parts = 1;
  while (2 * parts <= most) parts *= 2;
  return parts;
}

}  // namespace

int64_t split_parts(const Recipe& recipe, const Problem& p) {
  if (p.launch.parts > 1 && recipe.split.rule == SplitRule::never) {
    throw Error(ErrorKind::usage, fmt::format("--parts {}: kernel {} never splits its keys",
                                              p.launch.parts, recipe.name));
  }
  if (p.launch.parts > 0) return p.launch.parts;
  switch (recipe.split.rule) {
    case SplitRule::never: break;
    case SplitRule::fill_multiprocessors: return parts_that_fill(recipe.split, p);
    case SplitRule::power_of_two_one_row: return power_of_two_parts(recipe.split, p);
  }
  return 1;
}

namespace {

// Only where the recipe's kernel has such an instruction is its sum shorter than the unit's.
FusedSum sum_of(const Recipe& recipe, const MatrixUnit* unit) {
  if (unit == nullptr) return {};
  FusedSum sum = unit->sum;
  if (recipe.product_terms > 0) sum.terms = std::min(sum.terms, recipe.product_terms);
  return sum;
}

// The constant c that scores are multiplied with.
uint32_t scale_constant(const Recipe& recipe, uint32_t scale) {
  using Binary64 = Soft<fp64>;
  const auto binary32 = Soft<fp32>::from_bits(scale);
  switch (recipe.scaling) {
    case Scaling::after_maximum:
    case Scaling::two_products:
    case Scaling::natural: break;
    case Scaling::one_product: return (binary32 * Soft<fp32>::from_bits(detail::log2_of_e)).bits();
  }
  return Soft<fp32>(Binary64(binary32) * Binary64(1.4426950408889634)).bits();
}

bool contracts(const Recipe& recipe, const Problem& p) {
  switch (recipe.contraction) {
    case ExponentContraction::never: break;
    case ExponentContraction::where_nothing_is_hidden:
      return p.rows % recipe.mask_block == 0 && p.keys % recipe.mask_block == 0;
    case ExponentContraction::always: return true;
  }
  return false;
}

}  // namespace

const Recipe& row_for(const Recipe& recipe, const Problem& problem) {
  return problem.rows == 1 && recipe.one_row != nullptr ? *recipe.one_row : recipe;
}

Plan make_plan(const Recipe& kernel, const Chip& chip, const Problem& given,
               std::span<const SiteOverride> overrides) {
  check(given);
  require_format(kernel, given.format);
  require_known(kernel, given);
  require_terms(kernel, given);
  Problem problem = folded(kernel, given);
  problem.scale = scale_with_factors(kernel, given);
  const Recipe& recipe = row_for(kernel, problem);
  const int64_t parts = split_parts(recipe, problem);
  const auto& tile = tile_row(parts > 1 ? recipe.split.tiles : recipe.tiles, problem);

  const MatrixUnit* const unit = unit_for(recipe, chip, problem.format);
  Plan plan{.recipe = &recipe,
            .chip = &chip,
            .unit = unit,
            .sum = sum_of(recipe, unit),
            .tables = &mufu_sm90,
            .map = precision_map(recipe, problem.format),
            .problem = problem,
            .tile_rows = tile.rows,
            .tile_keys = tile.keys > 0 ? tile.keys : ceil_div(problem.keys, 32) * 32,
            .parts = parts,
            .scale_log2 = scale_constant(recipe, problem.scale),
            .contracts = contracts(recipe, problem),
            .accumulator = problem.dim <= recipe.largest_dim_in_registers ? recipe.accumulator
                                                                          : Accumulator::memory,
            .log_sum_exp = recipe.log_sum_exp,
            .maximum = {.stable = recipe.stable, .tile_least = recipe.row_sum.tile_least}};
  for (const auto& change : overrides) {
    require_override(recipe, change);
    plan.map[change.site] = change.cast;
  }
  return plan;
}

}  // namespace ulpscope
