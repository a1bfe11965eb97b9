// A chip is a row: how its tensor cores sum, which special function tables it has, how many
// multiprocessors a launch spreads over. Data with a source for every number; no code per chip.
//
//   chip_named("h200").units -> one MatrixUnit an input format
//
// `verified` marks what we ran on silicon ourselves (docs/validation). The other rows are taken
// from the papers named; on them, outputs are predictions. Special functions were measured on
// sm_90 only: every row shares those tables, and a prediction for another chip says so.
//
// Sources:
//   [F] Fasi, Higham, Mikaitis, Pranesh 2021, PeerJ CS 7:e330 (V100, T4, A100)
//   [K] Khattak, Mikaitis 2025, arXiv 2512.07004, and its MATLAB models (V100 to B200)
//   [M] Xie et al. 2025, MMA-Sim, arXiv 2511.10909
//   [H] Badash et al. 2026, Hawkeye, arXiv 2603.20421 (floors of the grid)
//   [D] DeepSeek-V3 report 2024 (FP8 accumulation keeps 14 bits)
//   [O] our own runs on an H200, docs/validation; no sum of FP8 products reaches the floor [H]
//   SM counts: NVIDIA's product briefs.
// Tested by tests/hardware/chip_test.cpp.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/fused_sum.hpp"

#include <array>
#include <string_view>

namespace ulpscope {

enum class Evidence {
  verified,   // held against the chip by us
  published,  // from the sources named
};

// One kind of matrix instruction: format of its factors, binary32 accumulator.
struct MatrixUnit {
  Format input;
  FusedSum sum;
  Evidence evidence;
  std::string_view source;
};

struct Chip {
  std::string_view name;
  std::string_view row;  // the architecture that the name stands for
  std::string_view product;
  int multiprocessors;
  std::array<MatrixUnit, 6> units;  // unused places have no terms
};

inline constexpr MatrixUnit no_unit{
    .input = fp32, .sum = {}, .evidence = Evidence::published, .source = ""};

namespace detail {

inline constexpr std::array<MatrixUnit, 6> sm80_units{
    MatrixUnit{bf16, {8, 24, -132}, Evidence::published, "[K][M]; floor [H]; k16 is two steps"},
    MatrixUnit{fp16, {8, 24, -132}, Evidence::published, "[F][K][M]; floor [H]; k16 is two steps"},
    MatrixUnit{tf32, {4, 24, -132}, Evidence::published, "[F][K][M]; floor [H]; k8 is two steps"},
    no_unit,
    no_unit,
    no_unit};

inline constexpr std::array<MatrixUnit, 6> sm89_units{
    sm80_units[0],
    sm80_units[1],
    sm80_units[2],
    MatrixUnit{e4m3fn, {16, 13, -139, 13}, Evidence::published, "[K][M]; floor as Hopper's [H]"},
    MatrixUnit{e5m2, {16, 13, -139, 13}, Evidence::published, "[K][M]; floor as Hopper's [H]"},
    no_unit};

inline constexpr std::array<MatrixUnit, 6> sm90_units{
    MatrixUnit{bf16, {16, 25, -133}, Evidence::verified, "[O][K][M][H]; mma.sync, wgmma k16"},
    MatrixUnit{fp16, {16, 25, -133}, Evidence::verified, "[O][K][M][H]; mma.sync, wgmma k16"},
    MatrixUnit{tf32, {8, 25, -133}, Evidence::verified, "[O][K][M]; mma.sync k8"},
    MatrixUnit{e4m3fn, {32, 13, -139, 13}, Evidence::verified, "[O][K][M][D]; wgmma k32"},
    MatrixUnit{e5m2, {32, 13, -139, 13}, Evidence::verified, "[O][K][M][D]; wgmma k32"},
    no_unit};

}  // namespace detail

inline constexpr std::array chips{
    Chip{"sm70",
         "sm70",
         "V100",
         80,
         {MatrixUnit{
              fp16, {4, 23, -131}, Evidence::published, "[F][K]; floor by the pattern of [H]"},
          no_unit, no_unit, no_unit, no_unit, no_unit}},
    Chip{"sm75",
         "sm75",
         "T4",
         40,
         {MatrixUnit{fp16, {8, 24, -132}, Evidence::published, "[M]; floor as Ampere's [H]"},
          no_unit, no_unit, no_unit, no_unit, no_unit}},
    Chip{"sm80", "sm80", "A100", 108, detail::sm80_units},
    Chip{"sm89", "sm89", "L40S", 142, detail::sm89_units},
    Chip{"sm90", "sm90", "H200, H100 SXM", 132, detail::sm90_units},
    Chip{"h200", "sm90", "H200", 132, detail::sm90_units},
    Chip{"sm100",
         "sm100",
         "B200",
         148,
         {MatrixUnit{bf16, {16, 25, -133}, Evidence::published, "[K][M]; floor as Hopper's [H]"},
          MatrixUnit{fp16, {16, 25, -133}, Evidence::published, "[K][M]; floor as Hopper's [H]"},
          no_unit, no_unit, no_unit, no_unit}},
};

// The chip of that name; an unknown one is an Error of kind usage that lists them.
const Chip& chip_named(std::string_view name);

// The unit that multiplies this format; Error of kind usage where the chip has none.
const MatrixUnit& matrix_unit(const Chip& chip, const Format& input);

}  // namespace ulpscope
