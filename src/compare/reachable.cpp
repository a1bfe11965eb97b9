#include "ulpscope/compare/reachable.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// Keys [first, first + count) of every K/V head.
std::vector<uint16_t> key_slice(const Problem& p, std::span<const uint16_t> codes, int64_t first,
                                int64_t count) {
  std::vector<uint16_t> slice;
  slice.reserve(static_cast<size_t>(p.batch * p.kv_heads * count * p.dim));
  for (int64_t head = 0; head < p.batch * p.kv_heads; ++head) {
    const auto from = codes.begin() + (head * p.keys + first) * p.dim;
    slice.insert(slice.end(), from, from + count * p.dim);
  }
  return slice;
}

}  // namespace

std::vector<uint32_t> reachable_sums(std::span<const uint32_t> parts) {
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
        here.push_back(fadd(before, parts[i]));
      }
    }
    std::sort(here.begin(), here.end());
    here.erase(std::unique(here.begin(), here.end()), here.end());
  }
  return sums.back();
}

bool QueryGradientParts::reach(const Format& store, size_t element, uint64_t code) const {
  std::vector<uint32_t> values;
  for (const auto& part : dq) values.push_back(part[element]);
  const auto sums = reachable_sums(values);
  return std::any_of(sums.begin(), sums.end(),
                     [&](uint32_t sum) { return code_of(store, sum) == code; });
}

QueryGradientParts query_gradient_parts(const BackwardPlan& plan, const BackwardInputs& inputs,
                                        const BackwardOptions& options) {
  if (plan.rules->query_gradient != QueryGradient::sum_of_parts ||
      !(plan.problem.mask == no_mask)) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {}: its dQ is not a sum of key tiles in no fixed order",
                            plan.plan->recipe->name));
  }
  QueryGradientParts result;
  result.parts = plan.key_tiles();
  Plan raw = *plan.plan;  // dQ unrounded
  raw.map[Site::dq_store] = Cast{};
  for (int64_t tile = 0; tile < result.parts; ++tile) {
    const int64_t first = tile * plan.tile_keys;
    BackwardPlan slice = plan;
    slice.plan = &raw;
    slice.problem.keys = std::min(plan.tile_keys, plan.problem.keys - first);
    const auto k = key_slice(plan.problem, plan.problem.k, first, slice.problem.keys);
    const auto v = key_slice(plan.problem, plan.problem.v, first, slice.problem.keys);
    slice.problem.k = k;
    slice.problem.v = v;
    // delta and the LSE are given, so that a slice of the keys has the whole row's P and dS.
    result.dq.push_back(run_backward(slice, inputs, options).dq);
  }
  return result;
}

bool has_unordered_dq(const BackwardPlan& plan) {
  return plan.rules->query_gradient == QueryGradient::sum_of_parts &&
         plan.problem.mask == no_mask && plan.key_tiles() > 2;
}

}  // namespace ulpscope
