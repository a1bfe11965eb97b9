// What 8-bit formats of Adam's two moments do to the step that is taken: the table of COAT.
//
//   const auto e = moment_errors(states.first, states.second);
//   e.steps[1][1].mean      // mean squared error of m / sqrt(v), both expanded, in E4M3
//
// Both moments lie in groups of 128 with a scale absmax / largest; +x is COAT's range expansion in
// front of it (scaling/schemes.hpp). The step is m / (sqrt(v) + 1e-8), as Adam takes it, in
// binary64. A second moment that is lost, decoded to zero, makes the step huge, as it would in
// training: such are counted.
//
// Standard errors are over groups, whose values share a scale.
// Source: COAT, arXiv 2410.19313, table 1 and section 4. Tested by
// tests/analysis/moment_errors_test.cpp.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/scaling/scheme.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

struct MomentFormat {
  std::string_view name;
  Format element;
  Expansion expansion;
};

// In the order of the paper's table.
inline constexpr std::array moment_formats{
    MomentFormat{"e4m3fn", e4m3fn, Expansion::none},
    MomentFormat{"e4m3fn+x", e4m3fn, Expansion::power},
    MomentFormat{"e5m2", e5m2, Expansion::none},
    MomentFormat{"e5m2+x", e5m2, Expansion::power},
};
inline constexpr size_t moment_format_count = moment_formats.size();

struct GroupMean {
  double mean = 0;
  double standard_error = 0;  // 0 of one group
};

// A moment in all formats.
struct MomentReport {
  double median_range = 0;  // over the groups, of largest over smallest magnitude beside zeros
  std::array<uint64_t, moment_format_count> lost{};  // not zero, but decoded to zero
  // Groups by their exponent k; empty without expansion.
  std::array<std::map<double, uint64_t>, moment_format_count> exponents;
};

struct MomentErrors {
  int64_t groups = 0;
  MomentReport first;
  MomentReport second;
  // Mean squared error of the step, [format of the first moment][of the second].
  std::array<std::array<GroupMean, moment_format_count>, moment_format_count> steps;
};

// Codes of binary32, finite, as many of both; no second moment is negative.
MomentErrors moment_errors(std::span<const uint32_t> first, std::span<const uint32_t> second);

}  // namespace ulpscope
