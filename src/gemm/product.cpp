#include "ulpscope/gemm/product.hpp"

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/machine.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/hardware/binary32_rows.hpp"
#include "ulpscope/hardware/scalar.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// The chip row that the recordings were made on.
constexpr std::string_view recorded_row = "sm90";

Exact<Uint256> wide(const Exact<uint128>& x) {
  return {.significand = Uint256(x.significand),
          .exponent = x.exponent,
          .kind = x.kind,
          .negative = x.negative,
          .sticky = x.sticky,
          .flags = x.flags};
}

void require_scales(const GemmRecipe& recipe, const GemmScales& scales) {
  switch (recipe.scales) {
    case TensorScales::one_product: return;
    case TensorScales::none:
      if (scales == GemmScales{}) return;
      throw Error(ErrorKind::usage, fmt::format("kernel {} takes no scales: expected neither "
                                                "--scale-a nor --scale-b",
                                                recipe.name));
  }
}

}  // namespace

GemmPlan make_gemm_plan(const GemmRecipe& recipe, const Chip& chip, int64_t k,
                        const GemmOverrides& overrides) {
  require_scales(recipe, overrides.scales);
  const Format output = overrides.output.value_or(recipe.output);
  if (!is_subset(output, fp32)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("--out-format {}: D is rounded from binary32, which does not hold every "
                    "value of it; expected a format of at most 8 exponent and 23 trailing "
                    "bits",
                    format_name(output)));
  }
  return {.recipe = &recipe,
          .chip = &chip,
          .unit = &matrix_unit(chip, recipe.input),
          .parts = split_lengths(k, overrides.parts),
          .scales = overrides.scales,
          .output = output};
}

std::vector<std::string> product_notes(const GemmPlan& plan) {
  const GemmRecipe& recipe = *plan.recipe;
  const auto recorded = recipe.recorded_outputs;
  std::vector<std::string> notes;
  if (recorded.empty()) {
    notes.push_back(fmt::format("{} was not recorded: {}", recipe.name, recipe.source));
    return notes;
  }
  if (plan.chip->row != recorded_row) {
    notes.push_back(fmt::format("{} was recorded on an H200; on {} this is a prediction",
                                recipe.name, plan.chip->name));
  }
  if (std::find(recorded.begin(), recorded.end(), plan.output) == recorded.end()) {
    notes.push_back(
        fmt::format("D in {} was not recorded: it is rounded once from the binary32 result",
                    format_name(plan.output)));
  }
  int64_t k = 0;
  for (const int64_t length : plan.parts) k += length;
  if (plan.parts.size() == 1 && k > recipe.largest_recorded_k) {
    notes.push_back(
        fmt::format("k = {} was recorded without a cut only up to {}; the library may "
                    "cut it, which changes bits (--split-k)",
                    k, recipe.largest_recorded_k));
  }
  if (plan.parts.size() > 1) {
    notes.emplace_back(
        "where the library cuts k and in which order it adds the parts is not known; of the one "
        "product recorded, 64 x 128 x 4096 in bf16, three cuts in three parts give the bits");
  }
  return notes;
}

void product_row(const GemmPlan& plan, const Operand& a, int64_t i, const Operand& b, int64_t first,
                 std::span<uint32_t> to) {
  ChainSums chains;
  std::vector<uint32_t> part(to.size());
  std::fill(to.begin(), to.end(), 0);
  int64_t from = 0;
  for (const int64_t length : plan.parts) {
    // One chain, or the sum of its groups' chains.
    const int64_t group = plan.recipe->group == 0 ? length : plan.recipe->group;
    const int64_t end = from + length;
    std::fill(part.begin(), part.end(), 0);
    for (; from < end; from = std::min(from + group, end)) {
      chains.start_at_zero(static_cast<int64_t>(to.size()));
      run_chains<Carries::ignore>(plan.unit->sum, {a, i, from}, {b, first, from},
                                  std::min(group, end - from), chains);
      add_rows(part, {chains.values(0), part.size()}, Flush::none, part);
    }
    add_rows(to, part, Flush::none, to);
  }
  switch (plan.recipe->scales) {
    case TensorScales::none: break;
    case TensorScales::one_product:
      multiply_row(to, fmul(plan.scales.a, plan.scales.b), Flush::none, to);
      break;
  }
}

uint64_t output_code(const GemmPlan& plan, uint32_t value) { return code_of(plan.output, value); }

ExactProducts::ExactProducts(const Operand& a, const Operand& b, const GemmScales& scales)
    : a_(a.rows(), a.length()),
      b_(b.rows(), b.length()),
      length_(a.length()),
      scale_(multiply(decode<Uint256>(fp32, scales.a), decode<Uint256>(fp32, scales.b))) {
  a_.align(a, 0, 0);
  b_.align(b, 0, 0);
}

Exact<Uint256> ExactProducts::at(int64_t i, int64_t j) const {
  const auto sum = wide(exact_dot(a_, i, b_, j, length_));
  auto result = multiply(sum, scale_);
  // A sticky sum has 126 bits: its product lies within 2^-125 of this one, relative, and above.
  result.sticky = sum.sticky;
  return result;
}

}  // namespace ulpscope
