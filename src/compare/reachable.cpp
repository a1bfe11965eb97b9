#include "ulpscope/compare/reachable.hpp"

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

uint32_t sum_of_two(Addition addition, uint32_t sum, uint32_t part) {
  switch (addition) {
    case Addition::plain: break;
    case Addition::atomic: return red_add(sum, part);
  }
  return fadd(sum, part);
}

// Whether the parts are added as they come, however many there are.
bool is_unordered(const BackwardPlan& plan) {
  switch (plan.rules->query_gradient) {
    case QueryGradient::one_chain: break;
    case QueryGradient::sum_of_parts: return plan.problem.mask == no_mask;
    case QueryGradient::atomic_buffers:
      return plan.problem.launch.gradient_order == GradientOrder::any &&
             plan.rules->any_order == AnyOrder::one_buffer;
  }
  return false;
}

}  // namespace

std::vector<uint32_t> reachable_sums(std::span<const uint32_t> parts, Addition addition) {
  if (parts.size() > most_unordered_parts) {
    throw Error(ErrorKind::usage, fmt::format("{} parts in no fixed order: expected at most {}",
                                              parts.size(), most_unordered_parts));
  }
  const size_t sets = size_t{1} << parts.size();
  std::vector<std::vector<uint32_t>> sums(sets);  // by the set of parts that are in
  sums[0] = {0};
  for (size_t set = 1; set < sets; ++set) {
    auto& here = sums[set];
    for (size_t i = 0; i < parts.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      for (const uint32_t before : sums[set ^ (size_t{1} << i)]) {
        here.push_back(sum_of_two(addition, before, parts[i]));
      }
    }
    std::sort(here.begin(), here.end());
    here.erase(std::unique(here.begin(), here.end()), here.end());
  }
  return sums.back();
}

bool QueryGradientParts::reach(const Format& store, size_t element, uint64_t code) const {
  std::vector<uint32_t> values;
  for (const auto& part : dq) {
    if (part[element] != 0) values.push_back(part[element]);
  }
  const bool flushes = flushes_inputs(scaled.rounding.policy.flush);
  const auto stored = [&](uint32_t sum) {
    const auto x = register_value(flushes ? detail::flushed32(sum) : sum);
    const auto product = multiply(x, register_value(scale));
    return code_of(store, detail::store(scaled.format, product, scaled.rounding).value);
  };
  const auto sums = reachable_sums(values, addition);
  return std::any_of(sums.begin(), sums.end(), [&](uint32_t sum) { return stored(sum) == code; });
}

QueryGradientParts query_gradient_parts(const BackwardPlan& plan, const BackwardInputs& inputs,
                                        const BackwardOptions& options) {
  if (!is_unordered(plan)) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {}: its dQ is not a sum of key tiles in no fixed order",
                            plan.plan->recipe->name));
  }
  QueryGradientParts result;
  result.parts = plan.key_tiles();
  Plan raw = *plan.plan;  // dQ unrounded
  raw.map[Site::dq_store] = Cast{};
  if (plan.rules->query_gradient == QueryGradient::atomic_buffers) {
    result.addition = Addition::atomic;
    // These kernels have the scale in c for P, and by itself only behind the sum.
    result.scale = raw.problem.scale;
    result.scaled = raw.map[Site::dq_scale];
    raw.problem.scale = detail::one32;
  }
  BackwardPlan one_part = plan;
  one_part.plan = &raw;
  for (int64_t tile = 0; tile < result.parts; ++tile) {
    // delta and the LSE are given, so that one tile of the keys has the whole row's P and dS.
    one_part.only_key_tile = tile;
    result.dq.push_back(run_backward(one_part, inputs, options).dq);
  }
  return result;
}

bool has_unordered_dq(const BackwardPlan& plan) {
  return is_unordered(plan) && plan.key_tiles() > 2;
}

}  // namespace ulpscope
