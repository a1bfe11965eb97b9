// A sweep's JSON, read and checked: axes, columns, points.
//
// Tested by tests/report/sweep_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "json_field.hpp"

namespace ulpscope::detail {

enum class SheetKind { count, number, z, name };

struct SheetColumn {
  std::string figure, head, meaning, error;
  SheetKind kind;
  bool drawn;
};

struct SheetAxis {
  std::string name;
  std::vector<std::string> values;
};

// A figure; absent ones have no text.
struct SheetCell {
  std::string text;  // in full
  double number;     // NaN where it is none
};

struct SheetPoint {
  std::vector<std::string> values;  // of the axes
  std::vector<SheetCell> cells;     // of the columns
  std::string refused;              // empty: it has figures
};

struct Sheet {
  std::string tool, version, command, preset, shows, source, measure, x;
  std::vector<SheetAxis> axes;
  std::vector<SheetColumn> columns;
  std::vector<SheetPoint> points;

  std::vector<size_t> varying() const;                // axes of more than one value
  std::string constant() const;                       // "law ties, gap 17": the others
  size_t column_of(const std::string& figure) const;  // columns.size() where there is none
};

Sheet parse_sheet(const nlohmann::json& document);

// A cell as a table shows it: a count, a mean with its error, a z with its asterisk.
std::string shown(const Sheet& sheet, const SheetPoint& point, size_t column);

}  // namespace ulpscope::detail
