#include "ulpscope/report/table.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

constexpr std::size_t widest_line = 120;
constexpr std::size_t widest_name = 28;
constexpr std::size_t gap = 2;

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return text + std::string(used < width ? width - used : 0, ' ');
}

std::string right_aligned(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(used < width ? width - used : 0, ' ') + text;
}

// Breaks at blanks; a word longer than a line is cut, as nothing may run over the edge.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    out += (out.empty() ? "" : std::string(indent, ' ')) + line + "\n";
    line.clear();
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = shortened(text.substr(at, end - at), widest_line - indent);
    const std::size_t room = widest_line - (out.empty() ? 0 : indent);
    if (!line.empty() && columns(line) + 1 + columns(word) > room) flush();
    line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  flush();
  return out;
}

// "mean": a cell of the tables below, a dash where there is nothing.
std::string count_text(std::optional<uint64_t> count) { return count ? compact(*count) : "-"; }
std::string mean_text(double mean, double error) {
  return std::isnan(mean) ? "-" : with_error(mean, error);
}
std::string z_text(double z) {
  if (std::isnan(z)) return "- ";
  return z_score(z) + (std::fabs(z) >= called_z ? "*" : " ");
}

struct TextColumn {
  std::string_view head;
  std::vector<std::string> cells;
};

// Names give way to numbers: the first two columns shrink, to 8 columns at least, until a row fits.
// The numbers alone take at most 96 with the gaps: see the widest forms in text.cpp.
std::vector<std::size_t> fitting_widths(const std::vector<TextColumn>& table) {
  std::vector<std::size_t> widths;
  std::size_t total = 0;
  for (const TextColumn& column : table) {
    std::size_t width = columns(column.head);
    for (const std::string& cell : column.cells) width = std::max(width, columns(cell));
    widths.push_back(width);
    total += width + gap;
  }
  for (const std::size_t text : {std::size_t{0}, std::size_t{1}}) {
    const std::size_t excess = total > widest_line ? total - widest_line : 0;
    const std::size_t spare = widths[text] > 8 ? widths[text] - 8 : 0;
    widths[text] -= std::min(excess, spare);
    total -= std::min(excess, spare);
  }
  return widths;
}

std::string aligned(const std::vector<TextColumn>& table) {
  const std::vector<std::size_t> widths = fitting_widths(table);
  const auto line = [&](const auto& cell_of) {
    std::string out;
    for (std::size_t c = 0; c < table.size(); ++c) {
      const std::string cell(cell_of(table[c]));
      // Names and formats on the left, numbers on the right.
      out += c < 2 ? padded(shortened(cell, widths[c]), widths[c]) : right_aligned(cell, widths[c]);
      out += std::string(gap, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  };
  std::string out = line([](const TextColumn& column) { return column.head; });
  for (std::size_t r = 0; r < table[0].cells.size(); ++r) {
    out += line([r](const TextColumn& column) { return column.cells[r]; });
  }
  return out;
}

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
    for (std::size_t c = 0; c < cells.size(); ++c) table[c].cells.push_back(cells[c]);
  }
  return aligned(table);
}

std::string comparison_text(const ComparisonRow& row) {
  std::string out = "a  " + shortened(visible(row.a), widest_line - 3) + "\n";
  out += "b  " + shortened(visible(row.b), widest_line - 3) + "\n";
  out +=
      wrapped(fmt::format("{} elements, {} with different bits ({}), {} with different values, "
                          "at most {} ulp apart",
                          grouped(row.elements), grouped(row.different_bits),
                          percent(row.different_bits, row.elements), grouped(row.different_values),
                          std::isnan(row.max_ulp) ? "-" : real(row.max_ulp, 6)),
              2);
  std::vector<TextColumn> table = {{"ulp", {}}, {"", {}}, {"elements", {}}, {"share", {}}};
  for (const auto& [name, count] : row.ulp_buckets) {
    table[0].cells.push_back(name);
    table[1].cells.emplace_back();
    table[2].cells.push_back(grouped(count));
    table[3].cells.push_back(percent(count, row.elements));
  }
  out += "\n" + aligned(table);
  if (row.nan_mismatch.value_or(0) + row.inf_mismatch.value_or(0) > 0) {
    out += fmt::format("on one side only: NaN {}, infinity {}\n", count_text(row.nan_mismatch),
                       count_text(row.inf_mismatch));
  }
  return out;
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
  if (summary.comparison) out += "\n" + comparison_text(*summary.comparison);
  out += engines_text(summary);
  if (!summary.outputs.empty()) out += "\n" + statistics_text("output", summary.outputs);
  if (!summary.sites.empty()) out += "\n" + statistics_text("site", summary.sites);
  if (!summary.outputs.empty() || !summary.sites.empty()) {
    out += "\nmean ulp: signed, rounded minus exact; * marks |z| >= 5, where a bias is called\n";
  }
  for (const std::string& note : summary.notes) out += "\n" + wrapped("Note: " + visible(note), 2);
  return out;
}

}  // namespace ulpscope
