// The colours of figures and page. Blue is too small and orange too large everywhere, a pair that
// colour-blind readers tell apart; in greyscale blue is the darker one, and position (left, right)
// or a dash says the same without colour.
//
// Tested by tests/report/figures_test.cpp.
#pragma once

#include <string_view>

namespace ulpscope::palette {

inline constexpr std::string_view ink = "#1c2530";
inline constexpr std::string_view muted = "#5d6873";
inline constexpr std::string_view grid = "#e3e7eb";
inline constexpr std::string_view axis = "#98a2ad";
inline constexpr std::string_view panel = "#f1f3f5";
inline constexpr std::string_view smaller = "#2b5f96";
inline constexpr std::string_view larger = "#dd8a34";
inline constexpr std::string_view exact = "#cfd6dd";

}  // namespace ulpscope::palette
