#include "ulpscope/run/rope_step.hpp"

#include "ulpscope/analysis/rope.hpp"
#include "ulpscope/base/error.hpp"

#include <memory>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr int64_t most_positions = int64_t{1} << 20;  // Rope::rotate

void require_possible(const OpenOperand& operand, const RopeStep& step, const RopeRecipe& recipe,
                      int64_t first) {
  const Operand16& x = operand.header();
  if (width(operand.in_file()) < 16) {
    throw Error(ErrorKind::usage,
                fmt::format("--rope {}: {} is {} in {}: expected 16 bits or more, as codes of 8 "
                            "are made of what was rotated",
                            step.recipe, x.role, format_name(operand.in_file()), x.file));
  }
  if (recipe.result != fp32 && recipe.result != x.format) {
    throw Error(
        ErrorKind::usage,
        fmt::format("--rope {} rounds to {}, and {} is taken in {}: expected --rope fp32",
                    step.recipe, format_name(recipe.result), x.role, format_name(x.format)));
  }
  const int64_t rows = x.sizes[2];
  if (first < 0 || rows > most_positions || first > most_positions - rows) {
    throw Error(ErrorKind::usage, fmt::format("--rope-shift {}: {} has {} rows: expected positions "
                                              "from 0 to {}",
                                              first, x.role, rows, most_positions - 1));
  }
}

std::string note_of(const Operand16& x, const RopeStep& step, int64_t first) {
  const std::string after =
      step.recipe == "fp32" ? fmt::format(", rounded to {} after it", format_name(x.format)) : "";
  return fmt::format("rotated by RoPE {}, base {}, from position {}{}", step.recipe, step.base,
                     first, after);
}

}  // namespace

void rotate(OpenOperand& operand, const RopeStep& step, int64_t first) {
  const RopeRecipe& recipe = rope_recipe_named(step.recipe);
  require_possible(operand, step, recipe, first);
  const auto rope = std::make_shared<const Rope>(recipe, operand.header().sizes[3], step.base);
  operand.add_step({.from = recipe.result,
                    .apply =
                        [rope, first](int64_t place, std::span<double> row) {
                          const std::vector<double> x(row.begin(), row.end());
                          rope->rotate(x, first + place, row);
                        },
                    .note = note_of(operand.header(), step, first)});
}

}  // namespace ulpscope
