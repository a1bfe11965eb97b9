// The one list of rounding names: command line, JSON and report all use it.
//
//   rounding_named("rz:sat") == saturating(toward_zero);  rounding_name(nearest_even) == "rne"
//
// Tested by tests/round/names_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

#include <array>
#include <string>
#include <string_view>

namespace ulpscope {

struct NamedMode {
  std::string_view name;
  Mode mode;
  std::string_view meaning;
};

inline constexpr std::array mode_names{
    NamedMode{"rne", Mode::nearest_even, "to nearest, ties to the even significand"},
    NamedMode{"rna", Mode::nearest_away, "to nearest, ties away from zero"},
    NamedMode{"rnz", Mode::nearest_zero, "to nearest, ties toward zero"},
    NamedMode{"rz", Mode::toward_zero, "toward zero (truncation)"},
    NamedMode{"ru", Mode::up, "toward +infinity"},
    NamedMode{"rd", Mode::down, "toward -infinity"},
    NamedMode{"ra", Mode::away, "away from zero"},
    NamedMode{"ro", Mode::to_odd, "inexact values to the odd neighbour"},
};

// MODE or MODE:sat; anything else is an Error of kind usage that lists the modes.
Rounding rounding_named(std::string_view name);

std::string rounding_name(Rounding rounding);

}  // namespace ulpscope
