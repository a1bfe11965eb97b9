// What a candidate of `identify` makes of the observed outputs.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/identify.hpp"

#include <array>
#include <vector>

namespace ulpscope {

// Codes of some elements of an output, by flat index; without indices, of all of them in order.
struct SomeOutput {
  Output output;
  std::vector<size_t> where;
  std::vector<uint32_t> codes;

  size_t index(size_t i) const { return where.empty() ? i : where[i]; }
  friend bool operator==(const SomeOutput&, const SomeOutput&) = default;
};
using SomeOutputs = std::vector<SomeOutput>;

// Registers of a whole forward pass.
struct ForwardOutput {
  std::vector<uint32_t> o;
  std::vector<uint32_t> lse;
  std::vector<uint32_t> statistic;  // what the backward pass reads of the LSE
};

ForwardOutput whole_forward(const Plan& plan, const IdentifyOptions& options);
// Rows [first, end) of every head, on one thread; the others are zeros.
ForwardOutput forward_of_rows(const Plan& plan, int64_t first, int64_t end);

bool wants(const Observation& seen, Output output);
bool wants_forward(const Observation& seen);
bool wants_gradients(const Observation& seen);

inline constexpr std::array gradient_outputs{Output::dq, Output::dk, Output::dv};
const std::vector<uint32_t>& gradient_of(const Gradients& gradients, Output output);

// The format in which a plan stores an output.
const Format& stored_format(const Plan& plan, Output output);

// Everything; `backward` is null where no gradient was observed.
SomeOutputs whole_outputs(const Plan& plan, const BackwardPlan* backward,
                          const ForwardOutput& forward, const Observation& seen,
                          const IdentifyOptions& options);

}  // namespace ulpscope
