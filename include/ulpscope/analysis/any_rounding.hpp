// A rounding, to a direction or drawn: what experiments take where either will do.
//
//   any_rounding_named("sr8")                       stochastic, 8 random bits
//   rounded(bf16, x, any_rounding_named("rz"), {})  the draw is not looked at
//
// Tested by tests/analysis/any_rounding_test.cpp.
#pragma once

#include "ulpscope/round/names.hpp"
#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <string>
#include <variant>

namespace ulpscope {

// Random bits of experiments have sites from here on: the numbers of a law (law.hpp) are random
// bits too, of the sites below, and a term that is rounded by its own bits is no fair draw.
inline constexpr uint32_t experiment_site = 64;

using AnyRounding = std::variant<Rounding, Stochastic>;

inline AnyRounding any_rounding_named(std::string_view name) {
  if (names_stochastic(name)) return stochastic_named(name);
  return rounding_named(name);
}

inline std::string any_rounding_name(const AnyRounding& rounding) {
  if (const auto* drawn = std::get_if<Stochastic>(&rounding)) return stochastic_name(*drawn);
  return rounding_name(std::get<Rounding>(rounding));
}

inline Rounded rounded(const Format& format, const Exact<uint64_t>& x, const AnyRounding& rounding,
                       const Draw& draw) {
  if (const auto* drawn = std::get_if<Stochastic>(&rounding)) {
    return round_pack(format, x, *drawn, random_bits(draw, drawn->bits));
  }
  return round_pack(format, x, std::get<Rounding>(rounding));
}

}  // namespace ulpscope
