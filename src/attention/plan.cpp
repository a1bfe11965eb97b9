#include "ulpscope/attention/plan.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace ulpscope {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// One query row sees every key, so the mask says nothing; and in kernels that fold, the heads that
// share a K/V head then become the query rows. Codes stay where they are.
Problem folded(const Recipe& recipe, Problem p) {
  if (p.rows != 1) return p;
  p.mask = no_mask;
  const int64_t group = p.heads / p.kv_heads;
  if (!recipe.folds_group_into_rows || group == 1) return p;
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
      if (change.site == Site::output_store && change.cast.rounding == nearest_even) return;
      throw Error(ErrorKind::usage,
                  fmt::format("--set {}: kernel {} rounds once, to nearest even, at output_store; "
                              "expected output_store=FORMAT",
                              row_of(change.site).name, recipe.name));
  }
}

}  // namespace

int64_t split_parts(const Recipe& recipe, const Problem& p) {
  const auto& split = recipe.split;
  if (split.tiles.empty()) return 1;
  using Binary32 = Soft<fp32>;
  const auto binary32 = [](int64_t x) { return Binary32(static_cast<double>(x)); };
  const int64_t blocks = p.launch.batch * p.launch.heads * ceil_div(p.rows, split.rows_counted);
  const int64_t slots = 2 * int64_t{p.launch.multiprocessors};
  // The library compares in binary32: blocks >= 0.8f * slots.
  if (binary32(blocks) >= Binary32(0.8F) * binary32(slots)) return 1;
  const int64_t tiles = ceil_div(p.keys, tile_row(split.tiles, p.dim).keys);
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

Plan make_plan(const Recipe& recipe, const Chip& chip, const Problem& given,
               std::span<const SiteOverride> overrides) {
  check(given);
  require_format(recipe, given.format);
  const Problem problem = folded(recipe, given);
  const int64_t parts = split_parts(recipe, problem);
  const auto& tile = tile_row(parts > 1 ? recipe.split.tiles : recipe.tiles, problem.dim);

  using Binary64 = Soft<fp64>;
  const Binary64 scale(Soft<fp32>::from_bits(problem.scale));
  const Binary64 log2_of_e(1.4426950408889634);
  Plan plan{.recipe = &recipe,
            .chip = &chip,
            .unit = unit_for(recipe, chip, problem.format),
            .tables = &mufu_sm90,
            .map = precision_map(recipe, problem.format),
            .problem = problem,
            .tile_rows = tile.rows,
            .tile_keys = tile.keys,
            .parts = parts,
            .scale_log2 = Soft<fp32>(scale * log2_of_e).bits()};
  for (const auto& change : overrides) {
    require_override(recipe, change);
    plan.map[change.site] = change.cast;
  }
  return plan;
}

}  // namespace ulpscope
