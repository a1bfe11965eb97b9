#include "text_table.hpp"

#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope::detail {
namespace {

constexpr std::size_t gap = 2;

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

}  // namespace

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return text + std::string(used < width ? width - used : 0, ' ');
}

std::string right_aligned(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(used < width ? width - used : 0, ' ') + text;
}

std::string count_text(std::optional<uint64_t> count) { return count ? compact(*count) : "-"; }
std::string mean_text(double mean, double error) {
  return std::isnan(mean) ? "-" : with_error(mean, error);
}
std::string z_text(double z) {
  if (std::isnan(z)) return "- ";
  return z_score(z) + (std::fabs(z) >= called_z ? "*" : " ");
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

void add_row(std::vector<TextColumn>& table, const std::vector<std::string>& cells) {
  for (std::size_t c = 0; c < cells.size(); ++c) table[c].cells.push_back(cells[c]);
}

}  // namespace ulpscope::detail

namespace ulpscope {

std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    out += (out.empty() ? "" : std::string(indent, ' ')) + line + "\n";
    line.clear();
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = shortened(text.substr(at, end - at), detail::widest_line - indent);
    const std::size_t room = detail::widest_line - (out.empty() ? 0 : indent);
    if (!line.empty() && columns(line) + 1 + columns(word) > room) flush();
    line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  flush();
  return out;
}

}  // namespace ulpscope
