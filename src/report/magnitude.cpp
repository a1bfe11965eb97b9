// Error against magnitude: how many elements of each binade have an error of each size.
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/svg.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "palette.hpp"
#include <fmt/format.h>

namespace ulpscope {
namespace {

constexpr std::size_t most_columns = 64;
constexpr std::size_t shades = 11;
constexpr double left = 92, top = 10, cell_height = 17;

struct Columns {
  std::vector<int64_t> binades;  // one each, without gaps
  std::vector<std::vector<uint64_t>> counts;
  bool first_holds_lower = false;
};

// Without gaps, so that a place on the axis is a magnitude.
Columns columns_of(const MagnitudeMap& map) {
  Columns out;
  const int64_t last = map.binades.back();
  const int64_t wanted = last - static_cast<int64_t>(most_columns) + 1;
  const int64_t first = std::max(map.binades.front(), wanted);
  out.first_holds_lower = map.binades.front() < first;
  for (int64_t b = first; b <= last; ++b) out.binades.push_back(b);
  out.counts.resize(out.binades.size(), std::vector<uint64_t>(2 * map.octaves.size() + 1));
  for (std::size_t i = 0; i < map.binades.size(); ++i) {
    const auto at = static_cast<std::size_t>(std::max<int64_t>(0, map.binades[i] - first));
    for (std::size_t bin = 0; bin < map.counts[i].size(); ++bin) {
      out.counts[at][bin] += map.counts[i][bin];
    }
  }
  return out;
}

// From pale to dark, evenly in lightness.
std::string shade_colour(std::size_t shade) {
  const double t = static_cast<double>(shade) / (shades - 1);
  const auto mix = [&](double from, double to) { return std::lround(from + t * (to - from)); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(222, 20), mix(231, 40), mix(240, 74));
}

std::size_t shade_of(uint64_t count, uint64_t most) {
  if (most <= 1) return shades - 1;
  const double t = std::log(static_cast<double>(count)) / std::log(static_cast<double>(most));
  return static_cast<std::size_t>(std::lround(t * (shades - 1)));
}

std::string size_label(double edge) {
  return edge < 1 ? fmt::format("1/{}", std::lround(1 / edge)) : real(edge, 3);
}

// Rows from the top: too large, largest first; exact; too small, largest last.
std::string row_label(const MagnitudeMap& map, std::size_t bin) {
  const std::size_t all = map.octaves.size();
  if (bin == all) return "exact";
  const std::size_t octave = bin > all ? bin - all - 1 : all - 1 - bin;
  const std::string sign = bin > all ? "+" : "−";
  if (octave == 0) return sign + "below " + size_label(map.octaves.at(1));
  return sign + size_label(map.octaves[octave]) + (octave + 1 == all ? " and more" : " to");
}

void draw_shades(Svg& svg, double x, uint64_t most) {
  const double height = 12;
  for (std::size_t shade = 0; shade < shades; ++shade) {
    const double y = top + height * static_cast<double>(shades - 1 - shade);
    svg.rect({x, y, 16, height}, shade_colour(shade));
  }
  const TextStyle style{.colour = palette::ink};
  svg.text({x + 22, top + 10}, compact(most), style);
  svg.text({x + 22, top + height * shades}, "1", style);
  svg.text({x, top + height * shades + 17}, "elements", {.colour = palette::muted});
}

void draw_labels(Svg& svg, const MagnitudeMap& map, const Columns& columns, double width) {
  const std::size_t bins = columns.counts.front().size();
  const double bottom = top + cell_height * static_cast<double>(bins);
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double y = top + cell_height * static_cast<double>(bins - 1 - bin);
    svg.text({left - 7, y + 12}, row_label(map, bin),
             {.anchor = Anchor::end, .colour = palette::muted});
  }
  const auto step = static_cast<std::size_t>(std::ceil(40 / width));
  for (std::size_t c = 0; c < columns.binades.size(); c += step) {
    const bool lower = c == 0 && columns.first_holds_lower;
    svg.text({left + width * (static_cast<double>(c) + 0.5), bottom + 15},
             (lower ? "≤2^" : "2^") + typographic(fmt::format("{}", columns.binades[c])),
             {.anchor = Anchor::middle, .colour = palette::muted});
  }
  svg.text({left, bottom + 34}, "magnitude of the exact value →",
           {.size = 12, .colour = palette::muted});
}

}  // namespace

Figure magnitude_figure(const MagnitudeMap& map, const Statistics& statistics) {
  if (map.binades.empty() || map.octaves.size() < 2) return {.svg = "", .caption = "No element."};
  const Columns columns = columns_of(map);
  const std::size_t bins = columns.counts.front().size();
  const auto across = static_cast<double>(columns.binades.size());
  const double width = std::min(30.0, 820.0 / across);
  const double right = left + width * across;
  const double bottom = top + cell_height * static_cast<double>(bins);
  uint64_t most = 0;
  for (const auto& column : columns.counts) {
    most = std::max(most, *std::max_element(column.begin(), column.end()));
  }
  const std::string title =
      fmt::format("Elements of {} by magnitude and signed error", statistics.name);
  Svg svg({.width = std::max(right + 90, left + 220), .height = bottom + 42, .title = title});
  std::array<std::string, shades> paths;
  for (std::size_t c = 0; c < columns.counts.size(); ++c) {
    for (std::size_t bin = 0; bin < bins; ++bin) {
      const uint64_t count = columns.counts[c][bin];
      if (count == 0) continue;
      const double y = top + cell_height * (static_cast<double>(bins - bin) - 0.5);
      paths.at(shade_of(count, most)) +=
          fmt::format("M{} {}h{}", svg_number(left + width * static_cast<double>(c)), svg_number(y),
                      svg_number(width));
    }
  }
  for (std::size_t shade = 0; shade < shades; ++shade) {
    if (paths.at(shade).empty()) continue;
    const std::string colour = shade_colour(shade);
    svg.strokes(paths.at(shade), {.colour = colour, .width = cell_height - 1});
  }
  const double middle = top + cell_height * (static_cast<double>(map.octaves.size()));
  for (const double y : {top, middle, middle + cell_height, bottom}) {
    svg.line({left, y}, {right, y}, {.colour = palette::axis});
  }
  draw_labels(svg, map, columns, width);
  draw_shades(svg, right + 18, most);
  return {.svg = std::move(svg).finish(),
          .caption = fmt::format(
              "Elements of {} by the binade of the exact value and by their error in ulps of {}: "
              "above the middle too large, below too small. Darker is more, on a logarithmic "
              "scale; white is none. Exact values of zero are left out.",
              statistics.name, statistics.format)};
}

}  // namespace ulpscope
