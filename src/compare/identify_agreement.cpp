#include "identify_agreement.hpp"

#include "ulpscope/compare/reachable.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

bool agrees(const Format& format, uint32_t a, uint32_t b) {
  return a == b || (is_nan(format, a) && is_nan(format, b));
}

}  // namespace

const Observed& observed(const Observation& seen, Output output) {
  return *std::find_if(seen.tensors.begin(), seen.tensors.end(),
                       [&](const Observed& x) { return x.output == output; });
}

Agreement agreement(const SomeOutput& computed, const Observed& seen) {
  Agreement result{.output = computed.output,
                   .elements = static_cast<int64_t>(computed.codes.size()),
                   .different = 0,
                   .other_order = 0,
                   .first = -1};
  for (size_t i = 0; i < computed.codes.size(); ++i) {
    const size_t at = computed.index(i);
    if (agrees(seen.format, computed.codes[i], seen.codes[at])) continue;
    if (result.different++ == 0) result.first = static_cast<int64_t>(at);
  }
  return result;
}

Differences differences(const SomeOutputs& computed, const Observation& seen) {
  Differences all;
  for (const SomeOutput& some : computed) {
    const Agreement one = agreement(some, observed(seen, some.output));
    all.elements += one.elements;
    all.different += one.different;
  }
  return all;
}

void count_other_orders(const BackwardPlan& plan, const BackwardInputs& inputs,
                        const IdentifyOptions& options, const SomeOutput& computed,
                        const Observed& seen, Agreement& agreement) {
  constexpr int64_t share = 100;
  if (agreement.different == 0 || agreement.different * share > agreement.elements) return;
  if (!has_unordered_dq(plan) || plan.key_tiles() > static_cast<int64_t>(most_unordered_parts)) {
    return;
  }
  const auto parts = query_gradient_parts(
      plan, inputs, {.threads = options.threads, .logging = Logging::off, .stop = options.stop});
  agreement.first = -1;
  for (size_t i = 0; i < computed.codes.size(); ++i) {
    if (agrees(seen.format, computed.codes[i], seen.codes[i])) continue;
    if (parts.reach(seen.format, i, seen.codes[i])) {
      --agreement.different;
      ++agreement.other_order;
    } else if (agreement.first < 0) {
      agreement.first = static_cast<int64_t>(i);
    }
  }
}

}  // namespace ulpscope
