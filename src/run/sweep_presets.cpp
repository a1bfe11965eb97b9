#include "ulpscope/run/sweep_presets.hpp"

#include "ulpscope/base/error.hpp"

#include <array>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr std::array resonance{AxisText{"law", "ties"},    AxisText{"rows", "1024"},
                               AxisText{"gap", "4..40:2"}, AxisText{"kernels", "kernel"},
                               AxisText{"tiles", "whole"}, AxisText{"site", "output_accumulate"},
                               AxisText{"formats", "bf16"}};
constexpr std::array sinks{AxisText{"law", "ties"},       AxisText{"rows", "1024"},
                           AxisText{"gap", "17"},         AxisText{"sink", "0.5,1,2"},
                           AxisText{"maxima", "1,2,3,4"}, AxisText{"kernels", "fa2-torch@h200"}};
constexpr std::array golden{
    AxisText{"law", "uniform"},    AxisText{"rows", "256..2048:x2"},
    AxisText{"kernels", "kernel"}, AxisText{"tiles", "32x32,64x64,128x128,whole"},
    AxisText{"site", "state"},     AxisText{"formats", "bf16,fp16,fp32"}};
// Uniform numbers: no element of O is near zero, where an ulp is next to nothing.
constexpr std::array bits{
    AxisText{"law", "uniform"},
    AxisText{"rows", "256"},
    AxisText{"kernels", "kernel"},
    AxisText{"site", "inputs,output_store"},
    AxisText{"formats", "e8m7,e8m6,e8m5,e8m4,e8m3,e7m7,e6m7,e5m7,e4m7,e3m7,e2m7"},
    AxisText{"modes", "rz,rne:sat,sr:sat"}};
constexpr std::array p_cast{AxisText{"rows", "64"}, AxisText{"keys", "1024"},
                            AxisText{"strength", "0..16:2"}, AxisText{"p-scale", "1,256,448"},
                            AxisText{"orders", "ascending,descending"}};
constexpr std::array stalling{AxisText{"terms", "256..16384:x4"},
                              AxisText{"addends", "uniform,ones"}, AxisText{"formats", "bf16,fp16"},
                              AxisText{"modes", "rne,rz,sr"}};
constexpr std::array logits{AxisText{"law", "normal"},       AxisText{"rows", "512"},
                            AxisText{"masks", "none,32x32"}, AxisText{"logit-scale", "1..256:x2"},
                            AxisText{"kernels", "kernel"},   AxisText{"site", "logits"},
                            AxisText{"formats", "bf16"}};
constexpr std::array level{AxisText{"law", "ties"},        AxisText{"rows", "512"},
                           AxisText{"gap", "2"},           AxisText{"maxima", "1"},
                           AxisText{"level", "4..512:x2"}, AxisText{"kernels", "kernel"},
                           AxisText{"site", "logits"},     AxisText{"formats", "bf16"}};

constexpr std::array presets{
    SweepPreset{"resonance",
                "One rounding of P.V to bf16 beside two equal maxima: the bias of O comes and goes "
                "with the gap below them",
                "the mechanism of Qiu and Yao, arXiv 2510.04212", "attention", "gap", resonance},
    SweepPreset{"sinks",
                "The order of a kernel, one cast of O: the sinks' values set the sign of its bias, "
                "their number its size",
                "our own finding", "attention", "maxima", sinks},
    SweepPreset{"golden",
                "The running state of the pass in narrow formats: deviation by length, tile and "
                "format",
                "Golden et al., arXiv 2405.02803, figures 3 to 6", "attention", "rows", golden},
    SweepPreset{"bits",
                "Fewer bits in inputs or store: truncation is biased toward zero, nearest and "
                "stochastic are not; a lost exponent bit underflows",
                "after Lee et al., arXiv 2405.18710", "attention", "formats", bits},
    SweepPreset{"p-cast",
                "P cast to e4m3 beside a sink: it vanishes from 6.93 + ln scale below the maximum "
                "on; a scale or the reverse order keeps it",
                "arXiv 2606.06521", "p-cast", "strength", p_cast},
    SweepPreset{"stalling",
                "Positive numbers added one by one: the sum stalls where half an ulp outgrows them",
                "v-code01/flashswamp, its figures at 1024 and 16384", "sum", "terms", stalling},
    SweepPreset{
        "logits",
        "Scores in bf16, scaled: their spacing and the error of O grow, with and without a "
        "local window; the share of equal maxima stays, as a scale moves the exponent alone",
        "after Hajra, arXiv 2505.15548", "logits", "logit-scale", logits},
    SweepPreset{"level",
                "Scores in bf16 that grow together: their spacing outgrows their differences, and "
                "maxima become equal",
                "after Hajra, arXiv 2505.15548, and Qiu and Yao, arXiv 2510.04212", "logits",
                "level", level},
};

}  // namespace

std::span<const SweepPreset> sweep_presets() { return presets; }

const SweepPreset& preset_named(std::string_view name) {
  std::string known;
  for (const auto& preset : presets) {
    if (preset.name == name) return preset;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", preset.name);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown preset '{}': expected {}", name, known));
}

}  // namespace ulpscope
