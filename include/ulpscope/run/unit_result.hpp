// What one unit of a run yields, and what the units of a run add up to.
//
// A unit is one K/V head of one batch with the query heads that share it (run/outline.hpp). Its
// tensors are bytes as they will lie in the files, its statistics exact integers: totals merge to
// the same value in any order, on any machine.
//
//   RunTotals all(outline);  all.merge(one.totals);  all.merge(another.totals);
//
// Tested by tests/run/part_file_test.cpp.
#pragma once

#include "ulpscope/analysis/row_census.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/run/outline.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

struct RunTotals {
  explicit RunTotals(const Outline& outline);

  void merge(const RunTotals& other);
  void write(WordWriter& words) const;
  void read(WordReader& words);  // into totals of nothing

  std::vector<ErrorTally> tensors;  // as in the outline
  ErrorsByRows o_by_rows;
  RowCensus rows;  // empty for a kernel without scores of its own
  JudgedPairs pairs;
  SiteStatistics sites{};
  ReferenceReport reference;
  GradientReport gradients;
};

// The tensors that a unit has, in the order of the outline: its share (heads, seq, dim) of each.
// Without judging there are no errors.
std::vector<TensorInfo> unit_outputs(const Outline& outline);
std::vector<TensorInfo> unit_errors(const Outline& outline);

struct UnitResult {
  int64_t unit;
  std::vector<Tensor> outputs;
  std::vector<Tensor> errors;
  RunTotals totals;
};

}  // namespace ulpscope
