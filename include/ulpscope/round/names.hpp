// The one list of rounding names: command line, JSON and report all use it.
//
//   rounding_named("rz:sat") == saturating(toward_zero);  rounding_name(nearest_even) == "rne"
//   stochastic_named("sr8b") -> {Variant::b, 8};          stochastic_name({}) == "sr"
//
// A name is a mode, or sr<N> with an a, b or c behind it for N random bits (sr8 is sr8a, sr is
// exact), and then any of the tokens below, each after a colon: rne:sat:ftz, rz:nan:daz:ftz.
// A preset's name is a token too and sets every axis: rne:cuda-satfinite.
//
// Tested by tests/round/names_test.cpp.
#pragma once

#include "ulpscope/round/presets.hpp"
#include "ulpscope/round/stochastic.hpp"

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

struct NamedOverflow {
  std::string_view token;
  Overflow overflow;
  std::string_view meaning;
};
inline constexpr std::array overflow_names{
    NamedOverflow{"inf", Overflow::infinity, "overflow to infinity in every mode"},
    NamedOverflow{"nan", Overflow::nan, "overflow to NaN"},
    NamedOverflow{"satfinite", Overflow::saturate_finite, "finite values saturate"},
    NamedOverflow{"sat", Overflow::saturate, "infinities saturate too"},
};

struct NamedNan {
  std::string_view token;
  NanRule nan;
  std::string_view meaning;
};
inline constexpr std::array nan_names{
    NamedNan{"propagate", NanRule::propagate, "the first NaN operand is handed on"},
    NamedNan{"ones", NanRule::all_ones, "NaN is all ones"},
};

struct NamedFlush {
  std::string_view token;
  Flush flush;
  std::string_view meaning;
};
inline constexpr std::array flush_names{
    NamedFlush{"daz", Flush::inputs, "subnormal operands are zero"},
    NamedFlush{"ftz", Flush::outputs, "subnormal results are zero"},
};

// MODE[:TOKEN]...; anything else is an Error of kind usage that lists what there is. `format` is
// the destination where it is known: the preset p3109-ovfinf depends on it.
Rounding rounding_named(std::string_view name, const Format* format = nullptr);
std::string rounding_name(const Rounding& rounding);

// Whether the name's mode is sr...: then it is stochastic_named's.
bool names_stochastic(std::string_view name);
Stochastic stochastic_named(std::string_view name, const Format* format = nullptr);
std::string stochastic_name(const Stochastic& rounding);

}  // namespace ulpscope
