// What the authorities say about overflow, NaN and subnormals: a policy each, by name.
//
//   preset_named("cuda-satfinite", e4m3fn) -> {saturate, all_ones, none}
//   preset_name(e4m3fn, {}) == "ieee"
//
// A policy is a choice and not a property of a format: E4M3 overflows to NaN by OFP8's table and to
// 448 in CUDA's satfinite conversions. The tokens that a rounding's name may carry (names.hpp) set
// one axis at a time; a preset sets all three.
//
// Tested by tests/round/presets_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace ulpscope {

struct Preset {
  std::string_view name;
  Policy policy;
  std::string_view meaning;
  std::string_view source;
};

inline constexpr std::array presets{
    Preset{"ieee", {}, "overflow by mode; quiet NaN", "IEEE 754-2019 sections 6.2, 7.4"},
    Preset{"ofp8", {}, "E5M2 to infinity, E4M3 to NaN", "OCP OFP8 1.0, not saturating"},
    Preset{"ofp8-sat",
           {Overflow::saturate},
           "the largest number, for infinities too",
           "OCP OFP8 1.0, saturating"},
    Preset{"mx", {Overflow::saturate}, "elements clamp to the largest number", "OCP MX 1.0, 5.3"},
    Preset{"cuda",
           {Overflow::standard, NanRule::all_ones},
           "infinity or NaN; NaN is 0x7F.., all ones",
           "PTX ISA, cvt; h200 conversions"},
    Preset{"cuda-satfinite",
           {Overflow::saturate, NanRule::all_ones},
           "the largest number, for infinities too; NaN all ones",
           "PTX ISA, cvt.satfinite"},
    Preset{"p3109-ovfinf", {}, "infinity by mode; no infinity: the largest", "P3109 draft 3.2"},
    Preset{"p3109-satpropagate",
           {Overflow::saturate_finite},
           "finite values saturate, infinities stay",
           "P3109 draft 3.2"},
    Preset{"p3109-satfinite", {Overflow::saturate}, "all values saturate", "P3109 draft 3.2"},
    Preset{"fnuz", {}, "NaN on overflow", "AMD CDNA 3 ISA, not clamping"},
    Preset{"fnuz-sat", {Overflow::saturate}, "the largest number", "AMD CDNA 3 ISA, clamping"},
    Preset{"ml_dtypes", {}, "infinity, else NaN, else the largest number", "ml_dtypes 0.6"},
    Preset{"apfloat",
           {Overflow::standard, NanRule::propagate},
           "as IEEE; the first NaN operand is handed on",
           "LLVM 19 APFloat"},
};

// The preset's policy for a format, nothing for an unknown name. Formats matter to P3109's overflow
// to infinity alone, which clamps where there is none although the format has a NaN.
constexpr std::optional<Policy> find_preset(std::string_view name, const Format& format) {
  for (const auto& row : presets) {
    if (row.name != name) continue;
    if (name == "p3109-ovfinf" && !has_infinity(format)) {
      return Policy{Overflow::saturate_finite, row.policy.nan, row.policy.flush};
    }
    return row.policy;
  }
  return std::nullopt;
}

// The first preset with that policy; nothing where no authority has it.
constexpr std::optional<std::string_view> preset_name(const Policy& policy) {
  for (const auto& row : presets) {
    if (row.policy == policy) return row.name;
  }
  return std::nullopt;
}

}  // namespace ulpscope
