// How well a candidate's outputs agree with those observed.
#pragma once

#include "ulpscope/compare/identify.hpp"

#include "identify_outputs.hpp"

namespace ulpscope {

const Observed& observed(const Observation& seen, Output output);

Agreement agreement(const SomeOutput& computed, const Observed& seen);

// Elements and different bits of all outputs.
struct Differences {
  int64_t elements = 0;
  int64_t different = 0;

  double share() const { return static_cast<double>(different) / static_cast<double>(elements); }
};
Differences differences(const SomeOutputs& computed, const Observation& seen);

// Where dQ has no fixed order: takes those out of the differences that another order explains.
// `computed` is the whole dQ.
void count_other_orders(const BackwardPlan& plan, const BackwardInputs& inputs,
                        const IdentifyOptions& options, const SomeOutput& computed,
                        const Observed& seen, Agreement& agreement);

}  // namespace ulpscope
