#include "ulpscope/attention/recipe.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/exact.hpp"
#include "ulpscope/attention/recipes/fa2_pip.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/fp8_e4m3.hpp"
#include "ulpscope/attention/recipes/kernel.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/attention/recipes/precision_maps.hpp"
#include "ulpscope/base/error.hpp"

#include <string>

#include <fmt/format.h>

namespace ulpscope {

std::span<const Recipe* const> recipes() {
  static constexpr std::array table{&fa2_torch,
                                    &memeff_torch,
                                    &cudnn_9_19,
                                    &flex_triton,
                                    &fa2_pip,
                                    &fp8_e4m3,
                                    &paper_eager,
                                    &paper_eager_stable,
                                    &paper_compiled,
                                    &paper_compiled_stable,
                                    &paper_compiled_inside,
                                    &paper_compiled_inside_stable,
                                    &paper_pv,
                                    &paper_o,
                                    &all_bf16,
                                    &kernel_of_binary32,
                                    &exact_attention};
  return table;
}

const Recipe& recipe_named(std::string_view name) {
  std::string known;
  for (const Recipe* recipe : recipes()) {
    if (recipe->name == name) return *recipe;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", recipe->name);
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown kernel '{}': expected one of {}", name, known));
}

PrecisionMap precision_map(const Recipe& recipe, const Format& input) {
  PrecisionMap map;
  for (const Site site : recipe.input_format_sites) map[site].format = input;
  for (const SiteOverride& own : recipe.own_casts) map[own.site] = own.cast;
  for (const Site site : recipe.flushed_sites) map[site].rounding = nearest_even_flushed;
  if (recipe.backward != nullptr) {
    for (const Site site : recipe.backward->input_format_sites) map[site].format = input;
    for (const Site site : recipe.backward->flushed_sites) {
      map[site].rounding = nearest_even_flushed;
    }
  }
  return map;
}

const TileRow& tile_row(std::span<const TileRow> tiles, const Problem& problem) {
  const int64_t heads = problem.launch.batch * problem.launch.heads;
  for (const auto& row : tiles) {
    if (problem.dim <= row.largest_dim && problem.keys <= row.largest_keys &&
        heads <= row.most_heads) {
      return row;
    }
  }
  throw Error(ErrorKind::usage,
              fmt::format("head size {}: the kernel takes at most {}", problem.dim,
                          tiles.empty() ? 0 : tiles.back().largest_dim));
}

}  // namespace ulpscope
