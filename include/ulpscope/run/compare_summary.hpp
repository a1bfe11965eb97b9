// What a summary says of two tensors of one shape: its verdict, `comparison`,
// `breakdown` and `fit`.
//
// Tested by tests/run/compare_run_test.cpp.
#pragma once

#include "ulpscope/compare/bit_counts.hpp"
#include "ulpscope/compare/breakdown.hpp"
#include "ulpscope/compare/mode_fit.hpp"
#include "ulpscope/run/one_tensor.hpp"

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// One code written out: `bits`, `fields`, `value`, `hex_float`.
nlohmann::json element_json(const Format& format, uint64_t code);

BitCounts count_bits(const OneTensor& a, const OneTensor& b);

// The first difference is named by its index in `axes`, the shape in the order of the codes.
nlohmann::json comparison_json(const OneTensor& a, const OneTensor& b, const BitCounts& counts,
                               const std::vector<int64_t>& axes);

nlohmann::json breakdown_json(const Breakdown& breakdown);
nlohmann::json fit_json(const ModeFit& fit, const OneTensor& wide, const OneTensor& observed);

// The verdict on a pair: "equal" or "different", the largest difference and who is one-sided, or
// what the best rounding explains.
nlohmann::json bits_verdict(const BitCounts& counts, const ErrorStatistics& errors,
                            const Breakdown& groups);
nlohmann::json fit_verdict(const ModeFit& fit);

}  // namespace ulpscope
