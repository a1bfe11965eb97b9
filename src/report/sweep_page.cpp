#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/line_plot.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <limits>

#include "html.hpp"
#include "page_style.hpp"
#include "sweep_sheet.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using detail::Sheet;
using detail::SheetPoint;

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
)";

size_t x_of(const Sheet& sheet) {
  const auto found = std::find_if(sheet.axes.begin(), sheet.axes.end(),
                                  [&](const auto& axis) { return axis.name == sheet.x; });
  return found == sheet.axes.end() ? 0 : static_cast<size_t>(found - sheet.axes.begin());
}

// The values of the varying axes but x, which are those of a line.
std::string line_of(const Sheet& sheet, const SheetPoint& point, size_t x) {
  std::string name;
  for (const size_t axis : sheet.varying()) {
    if (axis == x) continue;
    name +=
        fmt::format("{}{} {}", name.empty() ? "" : ", ", sheet.axes[axis].name, point.values[axis]);
  }
  return name;
}

LinePlot plot_of(const Sheet& sheet, size_t column) {
  const size_t x = x_of(sheet);
  const auto& values = sheet.axes[x].values;
  const size_t error = sheet.column_of(sheet.columns[column].error);
  LinePlot plot{.title = sheet.columns[column].figure,
                .x_name = sheet.axes[x].name,
                .x = values,
                .lines = {}};
  for (const SheetPoint& point : sheet.points) {
    const std::string name = line_of(sheet, point, x);
    auto line = std::find_if(plot.lines.begin(), plot.lines.end(),
                             [&](const PlotLine& other) { return other.name == name; });
    if (line == plot.lines.end()) {
      constexpr PlotPoint none{std::numeric_limits<double>::quiet_NaN()};
      plot.lines.push_back({name, std::vector<PlotPoint>(values.size(), none)});
      line = std::prev(plot.lines.end());
    }
    const auto at = std::find(values.begin(), values.end(), point.values[x]);
    if (at == values.end()) continue;
    line->points[static_cast<size_t>(at - values.begin())] = {
        point.cells[column].number, error < point.cells.size() ? point.cells[error].number : 0.0};
  }
  return plot;
}

std::string plots(const Sheet& sheet) {
  std::string body;
  for (size_t c = 0; c < sheet.columns.size(); ++c) {
    const auto& column = sheet.columns[c];
    const bool has_any = std::any_of(sheet.points.begin(), sheet.points.end(),
                                     [&](const auto& p) { return !p.cells[c].text.empty(); });
    if (!column.drawn || !has_any || sheet.axes.empty()) continue;
    const std::string bars =
        column.error.empty() ? "" : "; bars of two standard errors to either side";
    body += detail::figure(line_plot(plot_of(sheet, c)),
                           fmt::format("{}: {}{}", column.figure, column.meaning, bars));
  }
  return body.empty() ? body : detail::section("Figures by " + sheet.x, body);
}

std::string table(const Sheet& sheet) {
  std::vector<detail::Column> heads;
  const auto varying = sheet.varying();
  for (const size_t axis : varying)
    heads.push_back({"", sheet.axes[axis].name, "", detail::Align::left});
  std::vector<size_t> figures;
  for (size_t c = 0; c < sheet.columns.size(); ++c) {
    if (sheet.columns[c].head.empty()) continue;
    figures.push_back(c);
    heads.push_back({"", sheet.columns[c].head, sheet.columns[c].meaning});
  }
  if (heads.empty()) return "";
  detail::HtmlTable table(heads);
  for (const SheetPoint& point : sheet.points) {
    if (!point.refused.empty()) continue;
    std::vector<std::string> cells;
    for (const size_t axis : varying) cells.push_back(escape(point.values[axis]));
    for (const size_t c : figures) cells.push_back(typographic(escape(shown(sheet, point, c))));
    table.row(cells);
  }
  return detail::section("Points", std::move(table).finish() + detail::legend(heads));
}

std::string refusals(const Sheet& sheet) {
  std::string body;
  for (const SheetPoint& point : sheet.points) {
    if (point.refused.empty()) continue;
    body += detail::paragraph(fmt::format("{}: {}", fmt::join(point.values, ", "), point.refused));
  }
  return body.empty() ? body : detail::section("Points that were not run", body);
}

std::string facts(const Sheet& sheet) {
  std::string list = detail::fact("measured", escape(sheet.measure));
  if (!sheet.source.empty()) list += detail::fact("source", escape(sheet.source));
  const std::string fixed = sheet.constant();
  if (!fixed.empty()) list += detail::fact("in all points", escape(fixed));
  return detail::section("Run", "<dl class=\"facts\">\n" + list + "</dl>\n");
}

}  // namespace

std::string sweep_page(const nlohmann::json& summary) {
  const HostFpGuard guard;  // positions are computed in binary64
  const Sheet sheet = detail::parse_sheet(summary);
  const std::string title = sheet.preset.empty() ? "sweep" : "sweep: " + sheet.preset;
  std::string out(head);
  out += fmt::format("<title>{}: {}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                     escape(sheet.tool), escape(title), page_style);
  out += fmt::format("<h1><b>{}</b></h1>\n", escape(title));
  if (!sheet.shows.empty()) out += detail::paragraph(sheet.shows + ".");
  out += facts(sheet) + plots(sheet) + table(sheet) + refusals(sheet);
  out += detail::section("Reproduce", fmt::format("<pre>{}</pre>\n", escape(sheet.command)));
  out += fmt::format(
      "</main>\n<footer>{} {}. Drawn from summary.json; no script, no network.</footer>\n",
      escape(sheet.tool), escape(sheet.version));
  return out + "</body>\n</html>\n";
}

}  // namespace ulpscope
