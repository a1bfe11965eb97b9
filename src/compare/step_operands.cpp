#include "ulpscope/compare/step_operands.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace ulpscope {

namespace {

enum class Register : uint8_t { score, maximum, factor, row_sum, output, product, inverse };
constexpr std::array<std::string_view, 7> register_names{"s", "m", "r", "l", "O", "P.V", "1/l"};

struct Access {
  Site site;
  Register writes;
  std::vector<Register> reads = {};
};

using enum Register;

// What goes on in the row of every kernel.
const std::vector<Access>& common_accesses() {
  static const std::vector<Access> accesses{
      {Site::scores, score},
      {Site::scaled_score, score, {score}},
      {Site::cap_argument, score, {score}},
      {Site::cap_tanh, score, {score}},
      {Site::capped_score, score, {score}},
      {Site::alibi_score, score, {score}},
      {Site::biased_score, score, {score}},
      {Site::log2_score, score, {score}},
      {Site::scaled_maximum, maximum},
      {Site::shifted_score, score, {score, maximum}},
      {Site::probability, score, {score}},
      {Site::probability_cast, score, {score}},
      {Site::row_sum, row_sum},
      {Site::row_sum_keep, row_sum, {row_sum}},
      {Site::maximum_step, factor},
      {Site::scaled_step, factor, {factor}},
      {Site::rescale_factor, factor, {factor}},
      {Site::reciprocal, inverse, {row_sum}},
      {Site::output_keep, output, {output}},
      {Site::output_store, output, {output}},
  };
  return accesses;
}

// How O grows, which depends on where it is kept.
std::vector<Access> output_accesses(const Plan& plan) {
  const bool divides = plan.recipe->normalise == Normalise::divide;
  const Access rescaled{Site::rescale, output, {output, factor}};
  const Access normalised{Site::normalise, output, {output, divides ? row_sum : inverse}};
  switch (plan.accumulator) {
    case Accumulator::registers:
      return {rescaled, {Site::output_accumulate, output, {output}}, normalised};
    case Accumulator::tile_products:
      return {rescaled,
              {Site::output_accumulate, product},
              {Site::output_add, output, {output, product}},
              normalised};
    case Accumulator::memory: break;
  }
  return {{Site::rescale, output}, {Site::output_accumulate, product}, {Site::normalise, output}};
}

}  // namespace

std::vector<std::vector<StepOperand>> step_operands(const Plan& plan,
                                                    std::span<const HistoryStep> steps) {
  std::map<Site, Access> accesses;
  for (const auto& access : common_accesses()) accesses.emplace(access.site, access);
  for (const auto& access : output_accesses(plan)) accesses.emplace(access.site, access);
  // Scores and P are a register a key.
  std::map<std::pair<Register, int64_t>, size_t> last;
  const auto place_of = [](Register reg, const HistoryStep& step) {
    return std::pair{reg, reg == score ? step.column : 0};
  };
  std::vector<std::vector<StepOperand>> result(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto found = accesses.find(steps[i].site);
    if (found == accesses.end()) continue;
    for (const Register reg : found->second.reads) {
      const auto written = last.find(place_of(reg, steps[i]));
      if (written == last.end()) continue;
      result[i].push_back({register_names[static_cast<size_t>(reg)], written->second});
    }
    last[place_of(found->second.writes, steps[i])] = i;
  }
  return result;
}

}  // namespace ulpscope
