// The mathematics itself: attention in high precision, rounded once to nearest even at the output.
//
// No tiles, no sites: what a perfect kernel with this output format would store. The rounding is
// proved for every element (reference/correct_rounding.hpp).
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe exact_attention;

}  // namespace ulpscope
