// How a kernel came to one element of O or of the LSE, and where two kernels part on the way.
//
//   const auto a = history_of(plan_a, {.row = 512, .feature = 3, .output = TracedOutput::o});
//   const auto b = history_of(plan_b, ...);
//   first_parting(a.steps, b.steps)     probability of key 17: 0x3f3504f3 against 0x3f3504f4
//
// The row is emulated again with a sink that keeps values (trace/history.hpp). A step of one
// history has a counterpart in the other if both have as many at its site for its key or feature:
// kernels with other tiles have other numbers of rescalings and partial sums, and these say nothing
// of each other.
//
// Limits: the forward pass, of kernels that round in steps (not `exact`); which lane of a row sum
// an addition belongs to is not kept. Cost: the row's tile up to the row.
// Tested by tests/compare/element_history_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"
#include "ulpscope/trace/history.hpp"

#include <optional>
#include <span>
#include <vector>

namespace ulpscope {

enum class TracedOutput { o, lse };

struct TracedElement {
  int64_t row;  // over all batches and heads, as the codes lie
  int64_t feature;
  TracedOutput output;
};

struct ElementHistory {
  std::vector<HistoryStep> steps;
  Format format;  // in which the element is stored
  uint64_t code;
};

ElementHistory history_of(const Plan& plan, const TracedElement& element);

// The two steps that are the first of `a` with a counterpart of another value.
struct Parting {
  HistoryStep a;
  HistoryStep b;
};
std::optional<Parting> first_parting(std::span<const HistoryStep> a,
                                     std::span<const HistoryStep> b);

// What one history has at a site.
struct SiteSteps {
  uint64_t steps = 0;
  uint64_t inexact = 0;
  uint64_t largest_residue = 0;  // magnitude, 2^-32 ulp
  std::optional<uint32_t> last;  // value of the last step
};
struct SiteOfHistories {
  Site site;
  std::vector<SiteSteps> of;  // each history's
  uint64_t different = 0;     // steps with a counterpart of another value
};

// The sites that one of the histories visits, in the order of the site table.
std::vector<SiteOfHistories> by_site(std::span<const ElementHistory> histories);

}  // namespace ulpscope
