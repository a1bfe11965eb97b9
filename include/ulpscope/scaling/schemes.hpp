// The named schemes and scale rules: arrays that lookup, help, tests and reports all walk.
//
//   scheme_named("mxfp4").block == 32;  scale_rule_named("rceil") == rceil_rule
//
// A row is a value: a caller who wants groups of 64 or elements of another format changes a copy.
// What is a matter of choice in the sources is documented in docs/numerics/scaling.md.
// Host only. Tested by tests/scaling/schemes_test.cpp.
#pragma once

#include "ulpscope/scaling/scheme.hpp"

#include <array>
#include <string_view>

namespace ulpscope {

// OCP MX 1.0: blocks of 32 along a row, an e8m0fnu scale, the floor rule of section 6.3.
ULPSCOPE_HD constexpr ScalingScheme mx_like(const Format& element) {
  return {.element = element,
          .block = 32,
          .scale = e8m0fnu,
          .rule = floor_rule,
          .apply = Apply::power_of_two};
}
// bitsandbytes: a block is 64 values as they lie in memory, the scale its largest magnitude.
constexpr ScalingScheme codebook_like(const Codebook& codebook) {
  return {.element = e2m1fn,
          .codebook = &codebook,
          .block = 64,
          .along = Along::memory,
          .apply = Apply::reciprocal};
}
inline constexpr ScalingScheme nvfp4{.element = e2m1fn,
                                     .block = 16,
                                     .scale = e4m3fn,
                                     .apply = Apply::reciprocal,
                                     .tensor = TensorScaling::present};
inline constexpr ScalingScheme absmax_tensor{.along = Along::memory};
inline constexpr ScalingScheme absmax_group{.block = 128};
inline constexpr ScalingScheme coat{
    .block = 128, .along = Along::memory, .expansion = Expansion::power};

struct NamedScheme {
  std::string_view name;
  ScalingScheme scheme;
  std::string_view meaning;
  std::string_view source;
};

inline constexpr std::array schemes{
    NamedScheme{"mxfp8_e4m3", mx_like(e4m3fn), "32 share a power of two", "OCP MX 1.0, 5.1, 6.3"},
    NamedScheme{"mxfp8_e5m2", mx_like(e5m2), "32 share a power of two", "OCP MX 1.0, 5.1, 6.3"},
    NamedScheme{"mxfp6_e2m3", mx_like(e2m3fn), "32 share a power of two", "OCP MX 1.0, 5.1, 6.3"},
    NamedScheme{"mxfp6_e3m2", mx_like(e3m2fn), "32 share a power of two", "OCP MX 1.0, 5.1, 6.3"},
    NamedScheme{"mxfp4", mx_like(e2m1fn), "32 share a power of two", "OCP MX 1.0, 5.1, 6.3"},
    NamedScheme{"nvfp4", nvfp4, "16 share an e4m3fn, all an fp32",
                "NVIDIA 2025, arXiv 2509.25149, appendix C"},
    NamedScheme{"absmax-tensor", absmax_tensor, "all share amax / largest", "common practice"},
    NamedScheme{"absmax-group", absmax_group, "128 share amax / largest", "common practice"},
    NamedScheme{"coat", coat, "128 share a power k and amax / largest",
                "Xi et al. 2024, arXiv 2410.19313, and its optimizer kernel"},
    NamedScheme{"nf4", codebook_like(nf4_codebook), "64 share amax; normal quantiles",
                "Dettmers et al. 2023, arXiv 2305.14314, and bitsandbytes"},
    NamedScheme{"fp4", codebook_like(fp4_codebook), "64 share amax; a float of 3 bits and sign",
                "bitsandbytes"},
};

struct NamedScaleRule {
  std::string_view name;
  ScaleRule rule;
  std::string_view meaning;
  std::string_view source;
};

inline constexpr std::array scale_rules{
    NamedScaleRule{"floor", floor_rule, "floor(log2 amax) - emax: the largest may saturate",
                   "OCP MX 1.0, 6.3; torchao FLOOR"},
    NamedScaleRule{"ceil", ceil_rule, "ceil(log2 amax) - emax", "torchao CEIL"},
    NamedScaleRule{"rceil", rceil_rule, "ceil(log2(amax / largest)): nothing saturates",
                   "cuDNN block scaling, cuBLAS; torchao RCEIL"},
    NamedScaleRule{"even", even_rule, "floor after amax is rounded to the element's precision",
                   "torchao EVEN"},
    NamedScaleRule{"absmax", absmax_rule, "amax / largest, to nearest", "common practice"},
};

// Unknown names are Errors of kind usage that list the known ones.
const NamedScheme& named_scheme(std::string_view name);
ScalingScheme scheme_named(std::string_view name);
ScaleRule scale_rule_named(std::string_view name);
std::string_view scale_rule_name(const ScaleRule& rule);  // empty for a rule without a name

// Why the scheme cannot be used, as an Error of kind usage.
void check_scheme(const ScalingScheme& scheme);

}  // namespace ulpscope
