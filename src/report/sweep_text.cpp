#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>

#include "csv_text.hpp"
#include "sweep_sheet.hpp"
#include "text_table.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using detail::Sheet;
using detail::SheetPoint;

std::string head_of(const Sheet& sheet) {
  std::string text;
  if (!sheet.shows.empty()) {
    text +=
        wrapped(visible(fmt::format("{}: {} ({})", sheet.preset, sheet.shows, sheet.source)), 2);
  }
  const std::string fixed = sheet.constant();
  text +=
      wrapped(visible(fmt::format("{}{}{}", sheet.measure, fixed.empty() ? "" : "; ", fixed)), 2);
  return text;
}

std::string place_of(const Sheet& sheet, const SheetPoint& point) {
  std::string text;
  for (const size_t axis : sheet.varying()) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", sheet.axes[axis].name, point.values[axis]);
  }
  return text;
}

// Whether a table shows the column: it has a head, and some point has its figure.
bool is_shown(const Sheet& sheet, size_t column) {
  return !sheet.columns[column].head.empty() &&
         std::any_of(sheet.points.begin(), sheet.points.end(),
                     [&](const auto& point) { return !point.cells[column].text.empty(); });
}

// Whether every point that has figures has this one, and the same.
bool is_shared(const Sheet& sheet, size_t column) {
  const SheetPoint* first = nullptr;
  for (const SheetPoint& point : sheet.points) {
    if (!point.refused.empty()) continue;
    if (first == nullptr) first = &point;
    if (point.cells[column].text != first->cells[column].text) return false;
  }
  return first != nullptr && sheet.points.size() > 1;
}

// The figures that are the same everywhere, said once.
std::string shared_figures(const Sheet& sheet) {
  std::string text;
  for (size_t c = 0; c < sheet.columns.size(); ++c) {
    if (!is_shown(sheet, c) || !is_shared(sheet, c)) continue;
    const auto point = std::find_if(sheet.points.begin(), sheet.points.end(),
                                    [](const auto& p) { return p.refused.empty(); });
    text += fmt::format("{}{} {}", text.empty() ? "at every point: " : ", ", sheet.columns[c].head,
                        shown(sheet, *point, c));
  }
  return text.empty() ? text : wrapped(visible(text), 2);
}

// Names on the left, numbers on the right, as wide as their widest cell.
std::string laid_out(const std::vector<std::vector<std::string>>& rows, size_t names) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      line += (c < names ? detail::padded(row[c], widths[c])
                         : detail::right_aligned(row[c], widths[c])) +
              "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

// A column a varying axis, then one a figure that varies.
std::string table_of(const Sheet& sheet) {
  std::vector<std::vector<std::string>> rows(1);
  const auto varying = sheet.varying();
  std::vector<size_t> figures;
  for (const size_t axis : varying) rows[0].push_back(visible(sheet.axes[axis].name));
  for (size_t c = 0; c < sheet.columns.size(); ++c) {
    if (!is_shown(sheet, c) || is_shared(sheet, c)) continue;
    figures.push_back(c);
    const bool has_asterisks = sheet.columns[c].kind == detail::SheetKind::z;
    rows[0].push_back(visible(sheet.columns[c].head) + (has_asterisks ? " " : ""));
  }
  for (const SheetPoint& point : sheet.points) {
    if (!point.refused.empty()) continue;
    auto& row = rows.emplace_back();
    for (const size_t axis : varying) row.push_back(visible(point.values[axis]));
    for (const size_t c : figures) row.push_back(shown(sheet, point, c));
  }
  return laid_out(rows, varying.size());
}

std::string refusals_of(const Sheet& sheet) {
  std::string text;
  for (const SheetPoint& point : sheet.points) {
    if (point.refused.empty()) continue;
    text +=
        wrapped(visible(fmt::format("not run: {}: {}", place_of(sheet, point), point.refused)), 2);
  }
  return text.empty() ? text : "\n" + text;
}

std::string legend_of(const Sheet& sheet) {
  std::string text;
  for (size_t c = 0; c < sheet.columns.size(); ++c) {
    if (!is_shown(sheet, c)) continue;
    text +=
        wrapped(visible(fmt::format("{}: {}", sheet.columns[c].head, sheet.columns[c].meaning)), 2);
  }
  return "\n" + text;
}

}  // namespace

std::string sweep_text(const nlohmann::json& summary) {
  const HostFpGuard guard;
  const Sheet sheet = detail::parse_sheet(summary);
  return head_of(sheet) + shared_figures(sheet) + "\n" + table_of(sheet) + refusals_of(sheet) +
         legend_of(sheet);
}

std::string sweep_csv(const nlohmann::json& summary) {
  const HostFpGuard guard;
  const Sheet sheet = detail::parse_sheet(summary);
  std::vector<std::string> head;
  for (const auto& axis : sheet.axes) head.push_back(detail::csv_text(axis.name));
  for (const auto& column : sheet.columns) head.push_back(detail::csv_text(column.figure));
  std::string text = fmt::format("{},refused\n", fmt::join(head, ","));
  for (const SheetPoint& point : sheet.points) {
    std::vector<std::string> cells;
    for (const auto& value : point.values) cells.push_back(detail::csv_text(value));
    for (size_t c = 0; c < point.cells.size(); ++c) {
      const bool is_name = sheet.columns[c].kind == detail::SheetKind::name;
      cells.push_back(is_name ? detail::csv_text(point.cells[c].text) : point.cells[c].text);
    }
    text += fmt::format("{},{}\n", fmt::join(cells, ","), detail::csv_text(point.refused));
  }
  return text;
}

}  // namespace ulpscope
