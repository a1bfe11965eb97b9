// The outputs of attention by name: O and the LSE, and the gradients.
//
//   sizes_of(Output::dk, problem)   {batch kv_heads, keys, dim}
//
// Tested by tests/compare/engines_test.cpp and identify_test.cpp.
#pragma once

#include "ulpscope/attention/problem.hpp"
#include "ulpscope/trace/site.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace ulpscope {

enum class Output : uint8_t { o, lse, dq, dk, dv };

inline constexpr std::array all_outputs{Output::o, Output::lse, Output::dq, Output::dk, Output::dv};

std::string_view output_name(Output output);

constexpr bool is_gradient(Output output) { return output != Output::o && output != Output::lse; }

// The site whose cast is the output's format.
Site store_site(Output output);

// Heads of all batches, rows (of K and V for their gradients) and columns; the LSE has one.
struct OutputSizes {
  int64_t outer;
  int64_t rows;
  int64_t columns;

  int64_t elements() const { return outer * rows * columns; }
};
OutputSizes sizes_of(Output output, const Problem& problem);

}  // namespace ulpscope
