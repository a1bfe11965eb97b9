// The outputs of engines against each other.
#pragma once

#include "ulpscope/compare/engines.hpp"

namespace ulpscope {

// Fills the pairs of every tensor.
void compare_pairs(EngineResults& results, const Problem& problem, int threads);

}  // namespace ulpscope
