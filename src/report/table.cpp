#include "ulpscope/report/table.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>
#include <vector>

#include "comparison_text.hpp"
#include "text_table.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using detail::add_row;
using detail::aligned;
using detail::count_text;
using detail::mean_text;
using detail::padded;
using detail::right_aligned;
using detail::TextColumn;
using detail::widest_line;
using detail::widest_name;
using detail::z_text;

namespace {

std::string statistics_text(std::string_view head, const std::vector<Statistics>& rows) {
  std::vector<TextColumn> table = {
      {head, {}},      {"format", {}},    {"count", {}}, {"mean ulp", {}}, {"z ", {}},
      {"away z ", {}}, {"max |ulp|", {}}, {"ties", {}},  {"away", {}},     {"overflow", {}}};
  for (const Statistics& row : rows) {
    const std::string format =
        visible(row.format) + (row.mode.empty() ? "" : ":" + visible(row.mode));
    const std::vector<std::string> cells = {
        shortened(visible(row.name), widest_name),
        shortened(format, 13),
        compact(row.count),
        mean_text(row.mean_ulp, row.stderr_ulp),
        z_text(row.z),
        z_text(row.z_away),
        std::isnan(row.max_abs_ulp) ? "-" : real(row.max_abs_ulp, 4),
        count_text(row.ties),
        count_text(row.ties_away),
        count_text(row.overflow)};
    add_row(table, cells);
  }
  return aligned(table);
}

std::string pair_mean_text(const EnginePairRow& pair) {
  if (pair.different_bits == 0) return "= ";
  if (std::isnan(pair.mean_ulp)) return "- ";
  const bool large = std::fabs(pair.mean_ulp) >= 1000;
  return (large ? fmt::format("{:+.1e}", pair.mean_ulp) : fmt::format("{:+.4f}", pair.mean_ulp)) +
         (std::fabs(pair.z) >= called_z ? "*" : " ");
}

// One row: different bits left of the diagonal, signed means right of it.
std::string matrix_cell(const EngineMatrix& matrix, std::size_t row, std::size_t column) {
  if (row == column) return ". ";
  if (row < column) return pair_mean_text(matrix.pair(row, column));
  const uint64_t different = matrix.pair(column, row).different_bits;
  return different == 0 ? "= " : compact(different) + " ";
}

// Engines have numbers, so that columns are narrow; those that do not fit stand in a table below.
std::string matrix_text(const EngineMatrix& matrix) {
  constexpr std::size_t width = 11;  // of the widest cell, "-1.2e+300*", and a blank
  const std::string head =
      fmt::format("{} of {}", shortened(visible(matrix.tensor), 10), compact(matrix.elements));
  std::vector<std::string> names;
  std::size_t name_width = columns(head);
  for (const auto& engine : matrix.engines) {
    names.push_back(
        shortened(fmt::format("{:>2} {}", names.size() + 1, visible(engine)), widest_name));
    name_width = std::max(name_width, columns(names.back()));
  }
  const std::size_t fitting = (widest_line - name_width) / width;
  std::string out;
  for (std::size_t first = 0; first < names.size(); first += fitting) {
    const std::size_t end = std::min(first + fitting, names.size());
    const auto line = [&](const std::string& name, const auto& cell_of) {
      std::string text = padded(name, name_width);
      for (std::size_t c = first; c < end; ++c) text += right_aligned(cell_of(c), width);
      text.erase(text.find_last_not_of(' ') + 1);
      return text + "\n";
    };
    out += line(head, [](std::size_t c) { return fmt::format("[{}] ", c + 1); });
    for (std::size_t row = 0; row < names.size(); ++row) {
      out += line(names[row], [&](std::size_t c) { return matrix_cell(matrix, row, c); });
    }
  }
  return out;
}

std::string engines_text(const Summary& summary) {
  std::string out;
  for (const auto& matrix : summary.matrices) out += "\n" + matrix_text(matrix);
  if (!out.empty()) {
    out +=
        "\nbelow the diagonal: elements with different bits; above: mean ulp of the row less the "
        "column; = equal\n";
  }
  for (const auto& engine : summary.engines) {
    if (!engine.refusal.empty()) {
      out += wrapped(
          fmt::format("not computed: {}: {}", visible(engine.name), visible(engine.refusal)), 2);
    }
    if (!engine.backward_refusal.empty()) {
      out += wrapped(fmt::format("no gradients: {}: {}", visible(engine.name),
                                 visible(engine.backward_refusal)),
                     2);
    }
  }
  return out;
}

}  // namespace

std::string text_summary(const nlohmann::json& document) {
  const HostFpGuard guard;
  const Summary summary = parse_summary(document);
  std::string status = status_name(summary.status);
  for (char& c : status) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string out = wrapped(status + ": " + visible(summary.verdict), 2);
  for (const std::string& cause : summary.causes) out += wrapped(visible(cause), 2);
  for (const std::string& reason : summary.reasons) out += wrapped("- " + visible(reason), 2);
  out += detail::comparison_text(summary);
  out += engines_text(summary);
  if (!summary.outputs.empty()) out += "\n" + statistics_text("output", summary.outputs);
  if (!summary.sites.empty()) out += "\n" + statistics_text("site", summary.sites);
  if (!summary.outputs.empty() || !summary.sites.empty()) {
    out += fmt::format("\nmean ulp: signed, {}; * marks |z| >= 5, where a bias is called\n",
                       summary.kernel || !summary.comparison ? "rounded minus exact" : "A less B");
  }
  for (const std::string& note : summary.notes) out += "\n" + wrapped("Note: " + visible(note), 2);
  return out;
}

}  // namespace ulpscope
