#include "sweep_sheet.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "text_table.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

SheetKind kind_named(const std::string& name) {
  if (name == "count") return SheetKind::count;
  if (name == "number") return SheetKind::number;
  if (name == "z") return SheetKind::z;
  if (name == "name") return SheetKind::name;
  throw Error(ErrorKind::input,
              fmt::format("columns: kind '{}': expected count, number, z or name", visible(name)));
}

std::vector<std::string> texts_of(const Field& list) {
  std::vector<std::string> texts;
  for (const Field& item : list.items()) texts.push_back(item.text());
  return texts;
}

SheetColumn column_of_json(const Field& column) {
  return {.figure = column.at("figure").text(),
          .head = column.at("head").text(),
          .meaning = column.at("meaning").text(),
          .error = column.at("error").text(),
          .kind = kind_named(column.at("kind").text()),
          .drawn = column.at("drawn").flag()};
}

SheetCell cell_of(const std::optional<Field>& figure, SheetKind kind) {
  if (!figure) return {.text = "", .number = nan};
  switch (kind) {
    case SheetKind::count: {
      const auto count = figure->count();
      return {.text = fmt::format("{}", count), .number = static_cast<double>(count)};
    }
    case SheetKind::name: return {.text = figure->text(), .number = nan};
    case SheetKind::number:
    case SheetKind::z: break;
  }
  const double number = figure->number();
  return {.text = std::isnan(number) ? "" : fmt::format("{}", number), .number = number};
}

SheetPoint point_of(const Field& point, const Sheet& sheet) {
  SheetPoint result{.values = {}, .cells = {}, .refused = point.text_or_empty("refused")};
  const Field values = point.at("axes");
  for (const auto& axis : sheet.axes) result.values.push_back(values.at(axis.name).text());
  const auto figures = point.find("figures");
  for (const auto& column : sheet.columns) {
    result.cells.push_back(
        cell_of(figures ? figures->find(column.figure) : std::nullopt, column.kind));
  }
  return result;
}

}  // namespace

std::vector<size_t> Sheet::varying() const {
  std::vector<size_t> list;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].values.size() > 1) list.push_back(i);
  }
  return list;
}

std::string Sheet::constant() const {
  std::string text;
  for (const auto& axis : axes) {
    if (axis.values.size() > 1) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", axis.name, axis.values.front());
  }
  return text;
}

size_t Sheet::column_of(const std::string& figure) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const SheetColumn& c) { return c.figure == figure; });
  return static_cast<size_t>(found - columns.begin());
}

Sheet parse_sheet(const nlohmann::json& document) {
  const Field root(document, "");
  const std::string schema = root.at("schema").text();
  if (schema != sweep_schema) {
    throw Error(ErrorKind::input,
                fmt::format("schema '{}': expected {}", visible(schema), sweep_schema));
  }
  Sheet sheet;
  sheet.tool = root.at("tool").at("name").text();
  sheet.version = root.at("tool").at("version").text();
  sheet.command = root.text_or_empty("command");
  if (const auto preset = root.find("preset")) {
    sheet.preset = preset->at("name").text();
    sheet.shows = preset->at("shows").text();
    sheet.source = preset->at("source").text();
  }
  sheet.measure = root.at("measure").at("summary").text();
  sheet.x = root.at("x").text();
  for (const Field& axis : root.at("axes").items()) {
    sheet.axes.push_back({axis.at("name").text(), texts_of(axis.at("values"))});
    if (sheet.axes.back().values.empty()) throw Error(ErrorKind::input, "axes: one has no values");
  }
  for (const Field& column : root.at("columns").items()) {
    sheet.columns.push_back(column_of_json(column));
  }
  for (const Field& point : root.at("points").items()) {
    sheet.points.push_back(point_of(point, sheet));
  }
  return sheet;
}

std::string shown(const Sheet& sheet, const SheetPoint& point, size_t column) {
  const SheetColumn& c = sheet.columns[column];
  const SheetCell& cell = point.cells[column];
  if (cell.text.empty()) return c.kind == SheetKind::z ? "- " : "-";
  switch (c.kind) {
    case SheetKind::count: return compact(static_cast<uint64_t>(cell.number));
    case SheetKind::z: return z_text(cell.number);
    case SheetKind::name: return visible(cell.text);
    case SheetKind::number: break;
  }
  const size_t error = sheet.column_of(c.error);
  return error < sheet.columns.size() ? mean_text(cell.number, point.cells[error].number)
                                      : real(cell.number, 4);
}

}  // namespace ulpscope::detail
