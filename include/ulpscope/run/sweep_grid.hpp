// The grid of a sweep: an axis is a name and its values, a point is what all axes set.
//
//   grid_of({{"gap", "4..12:4"}, {"formats", "bf16,fp16"}}, {})   6 points, formats fastest
//
// Values are a list: "4,6,8", "4..30" and "4..30:2" (from, to, step), "1..256:x2" (from, to,
// factor). What an axis does to a point is a row of the table in sweep_grid.cpp; the order of the
// rows is the order of the product, so that points of one drawn problem follow each other.
//
// Tested by tests/run/sweep_grid_test.cpp.
#pragma once

#include "ulpscope/analysis/any_rounding.hpp"
#include "ulpscope/analysis/law.hpp"
#include "ulpscope/analysis/p_cast.hpp"
#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/run/tile_override.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ulpscope {

// Where a format and a mode apply: the operands before the pass, sites of the pass.
struct CastPlaces {
  bool inputs = false;
  std::vector<Site> sites;
};

// Terms of a sequential sum.
enum class Addends { uniform, ones };

// What one point runs. Which of it matters depends on the measure (sweep_measures.hpp).
struct SweepPoint {
  Law law;
  LawShape shape = {.keys = 0};  // 0 keys: as many as rows
  double logit_scale = 1;
  std::optional<Mask> mask = {};
  const Chip* chip = nullptr;  // null: the kernel's own, or h200
  const Recipe* recipe = nullptr;
  std::optional<TileOverride> tile = {};
  bool whole_tile = false;  // one tile holds all rows and keys
  CastPlaces places = {.sites = {Site::output_store}};
  std::optional<Format> format = {};         // empty: as the kernel has it
  std::optional<AnyRounding> rounding = {};  // empty: to nearest even
  int64_t terms = 1024;
  Addends addends = Addends::uniform;
  double strength = 8;
  double p_scale = 1;
  TileOrder order = TileOrder::ascending;

  std::vector<std::string> labels = {};  // the values that made it, in the order of the axes
};

struct SweepAxis {
  std::string name;
  std::vector<std::string> values;
};

// Whether an axis changes a problem that is drawn: not to be had with an INPUT.
enum class AxisOf : uint8_t { drawn_problem, any_problem };

struct AxisRow {
  std::string_view name;
  AxisOf of;
  std::string_view help;
  void (*set)(SweepPoint&, const std::string& value);
};
std::span<const AxisRow> axis_rows();

// A name and a list of values, as typed.
using AxisTexts = std::vector<std::pair<std::string, std::string>>;

// The axes in the order of the table; of equal names the last one stands. Errors of kind usage for
// an unknown axis and a list that is empty or no list.
std::vector<SweepAxis> axes_of(const AxisTexts& texts);

// Their product. Errors of kind usage for a value that its axis does not take, and for more than
// 10,000 points.
std::vector<SweepPoint> grid_of(const std::vector<SweepAxis>& axes, const SweepPoint& base);

}  // namespace ulpscope
