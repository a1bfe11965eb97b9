// Reads and checks what a summary says of two tensors. Tested by tests/report/comparison_test.cpp.
#pragma once

#include "ulpscope/report/comparison.hpp"

#include "json_field.hpp"

namespace ulpscope::detail {

ComparisonRow read_comparison(const Field& field);
DivisionRow read_division(const Field& field);
HistoryRow read_history(const Field& field);
FitRow read_fit(const Field& field);

}  // namespace ulpscope::detail
