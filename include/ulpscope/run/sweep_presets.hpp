// Experiments that a paper or this project has made: a preset is a row of axes, a measure, and what
// it shows.
//
//   preset_named("sinks").axes -> {"law", "ties"}, {"maxima", "1,2,3,4"}, ...
//
// An axis that is given beside a preset takes the place of the preset's.
// Tested by tests/run/sweep_presets_test.cpp, which checks what each of them shows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ulpscope {

using AxisText = std::pair<std::string_view, std::string_view>;

struct SweepPreset {
  std::string_view name;
  std::string_view shows;
  std::string_view source;
  std::string_view measure;
  std::string_view x;  // the axis that its line plots run along
  std::span<const AxisText> axes;
};

std::span<const SweepPreset> sweep_presets();
// An unknown name is an Error of kind usage that lists them.
const SweepPreset& preset_named(std::string_view name);

}  // namespace ulpscope
