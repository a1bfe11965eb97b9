#include "history_text.hpp"

#include "ulpscope/report/text.hpp"

#include <array>
#include <cmath>

#include "html.hpp"
#include "text_table.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

// "fa2-torch@h200 gives 0x3f81 (1.0078125), the bits of a"
std::string kernel_sentence(const HistoryKernelRow& kernel) {
  std::string out = fmt::format("{} gives {} ({})", kernel.name, kernel.element.bits,
                                real(kernel.element.value, 9));
  if (kernel.agrees_with.empty()) return out + ", the bits of neither";
  return out + fmt::format(", the bits of {}", fmt::join(kernel.agrees_with, " and "));
}

std::string step_words(const HistoryKernelRow& kernel, const StepRow& step) {
  std::string out = fmt::format("{} has {} ({}", kernel.name, step.bits, real(step.value, 9));
  if (!std::isnan(step.error_ulp)) out += fmt::format(", error {} ulp", real(step.error_ulp, 4));
  return out + ")";
}

std::string parting_sentence(const HistoryRow& history) {
  if (history.kernels.size() < 2) return "";
  if (history.parting.empty()) return "No step that both have differs in value.";
  const StepRow& step = history.parting[0];
  const std::string place = step.place.empty() ? "" : " of " + step.place;
  return fmt::format("They part at {}{}: {}; {}.", step.site, place,
                     step_words(history.kernels[0], step),
                     step_words(history.kernels[1], history.parting[1]));
}

std::string last_text(const SiteStepsRow& steps) {
  return steps.last_bits.empty()
             ? "-"
             : fmt::format("{} {}", visible(steps.last_bits), real(steps.last_value, 9));
}

bool is_parting(const HistoryRow& history, const HistorySiteRow& site) {
  return !history.parting.empty() && history.parting[0].site == site.site;
}

// With one kernel its errors; with two, what differs.
std::vector<TextColumn> site_columns(const HistoryRow& history) {
  if (history.kernels.size() == 1) {
    return {{"site", {}},    {"", {}},          {"steps", {}},
            {"inexact", {}}, {"max |ulp|", {}}, {"last value", {}}};
  }
  return {{"site", {}},        {"", {}},      {"steps", {}}, {"last of [1]", {}}, {"steps", {}},
          {"last of [2]", {}}, {"differ", {}}};
}

std::vector<std::string> site_cells(const HistoryRow& history, const HistorySiteRow& site) {
  const SiteStepsRow& first = site.kernels[0];
  const std::string name = shortened(visible(site.site), widest_name);
  if (history.kernels.size() == 1) {
    return {name,
            "",
            grouped(first.steps),
            grouped(first.inexact),
            real(first.max_abs_ulp, 4),
            last_text(first)};
  }
  const SiteStepsRow& second = site.kernels[1];
  return {name,
          is_parting(history, site) ? "<- part" : "",
          grouped(first.steps),
          last_text(first),
          grouped(second.steps),
          last_text(second),
          grouped(site.different)};
}

}  // namespace

std::string history_text(const HistoryRow& history) {
  std::string out = fmt::format("history of {} at ({})\n", visible(history.output),
                                fmt::join(history.index, ", "));
  for (std::size_t i = 0; i < history.kernels.size(); ++i) {
    out +=
        wrapped(fmt::format("  [{}] {}", i + 1, visible(kernel_sentence(history.kernels[i]))), 6);
  }
  auto table = site_columns(history);
  for (const auto& site : history.sites) add_row(table, site_cells(history, site));
  out += "\n" + aligned(table);
  const std::string parting = parting_sentence(history);
  return parting.empty() ? out : out + wrapped(visible(parting), 2);
}

std::string history_html(const HistoryRow& history) {
  std::string facts;
  for (const auto& kernel : history.kernels) {
    facts += fact("Kernel", escape(kernel_sentence(kernel)));
  }
  const std::string parting = parting_sentence(history);
  if (!parting.empty()) facts += fact("Parting", escape(parting));
  std::vector<Column> columns;
  for (const auto& column : site_columns(history)) {
    columns.push_back({"", column.head, "", columns.size() < 2 ? Align::left : Align::right});
  }
  HtmlTable table(columns);
  for (const auto& site : history.sites) {
    auto cells = site_cells(history, site);
    for (auto& cell : cells) cell = escape(cell);
    table.row(cells, is_parting(history, site) ? RowStyle::called : RowStyle::plain);
  }
  return section(
      fmt::format("History of {} at [{}]", history.output, fmt::join(history.index, ", ")),
      "<dl class=\"facts\">\n" + facts + "</dl>\n" + std::move(table).finish());
}

}  // namespace ulpscope::detail
