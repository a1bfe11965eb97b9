// summary.json: every figure of a run under the schema "ulpscope.summary/1" (docs/cli.md).
//
// The report, the text summary and CSV are drawn from this object alone. Counts are integers,
// non-finite numbers strings. Nothing in it depends on the clock, the host or the thread count.
// Tested by tests/run/summary_writer_test.cpp.
#pragma once

#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/run/problem_inputs.hpp"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

inline constexpr const char* summary_schema = "ulpscope.summary/1";

// What both kinds of summary open with. `command` is shown so that the run can be repeated.
nlohmann::json summary_header(const std::string& kind, const std::string& command);

// A number; one that is not finite as a string.
nlohmann::json number_json(double x);

// Counts, means with standard errors, signs: what is said of any number of errors.
nlohmann::json bias_json(const ErrorStatistics& statistics);

// One rounding site or output: counts, means with standard errors, histogram.
nlohmann::json statistics_json(const std::string& name, const Format& format,
                               const ErrorStatistics& statistics);

// A tensor as a whole, without what only a rounding step has: ties, carries, underflows.
nlohmann::json whole_json(const std::string& name, const Format& format,
                          const std::vector<int64_t>& shape, const ErrorStatistics& statistics);

// How the rows of a tally lie in the tensor that a reader knows: `axes` are the leading axes of
// the tensor, whose flat index is outer * rows + row.
struct RowIndex {
  std::vector<int64_t> axes;
  int64_t rows;
};

// An output tensor: statistics, heat map and worst elements.
nlohmann::json output_json(const std::string& name, const Format& format,
                           const std::vector<int64_t>& shape, const RowIndex& index,
                           const ErrorTally& tally);

nlohmann::json format_json(const Format& format);
// Every tensor that was read, q, k and v first.
nlohmann::json inputs_json(const ProblemOperands& operands);

// The formats that a run touched, each once, in the order given.
nlohmann::json formats_json(const std::vector<Format>& formats);

// `causal` says no mask or a causal one; any other is a `window`.
nlohmann::json problem_json(const Problem& problem, const Operand16& q, const Operand16& k);
// `gradients` is null where there are none.
nlohmann::json reference_json(const ReferenceReport& reference, const GradientReport* gradients);

}  // namespace ulpscope
