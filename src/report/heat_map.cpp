// The heat map of mean signed error over row tiles and features, and its reduction to 128 cells.
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

constexpr std::size_t colour_steps = 16;  // on either side of zero

struct Colour {
  double red, green, blue;
};
constexpr Colour pale = {247, 247, 245};

Colour mix(const Colour& from, const Colour& to, double t) {
  return {from.red + t * (to.red - from.red), from.green + t * (to.green - from.green),
          from.blue + t * (to.blue - from.blue)};
}

// Two legs a side: saturated in the middle of the way, dark at its end.
std::string side_colour(double t, const Colour& middle, const Colour& end) {
  const Colour c = t < 0.5 ? mix(pale, middle, 2 * t) : mix(middle, end, 2 * t - 1);
  return fmt::format("#{:02x}{:02x}{:02x}", std::lround(c.red), std::lround(c.green),
                     std::lround(c.blue));
}

// Colours are numbered from 0, deepest blue, over 16, pale, to 32, deepest orange.
std::size_t colour_index(double value, double limit) {
  if (!(limit > 0)) return colour_steps;
  const double t = std::clamp(value / limit, -1.0, 1.0);
  return static_cast<std::size_t>(std::lround((t + 1.0) * colour_steps));
}

std::string colour_at(std::size_t index) {
  return diverging_colour(static_cast<double>(index) / colour_steps - 1.0);
}

bool has_dash(std::size_t index) { return 2 * index <= colour_steps; }

// What the rows of a map are.
struct MapWords {
  std::string title;
  std::string row;      // on the axis
  std::string one_row;  // in a sentence
  std::string rows;     // with their number
};

struct Extreme {
  double value = 0;
  std::size_t row = 0, column = 0;
  bool found = false;
};

// The cell furthest from zero, of the map as written, not of the averaged one.
Extreme extreme_of(const std::vector<std::vector<double>>& cells) {
  Extreme out;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    for (std::size_t c = 0; c < cells[r].size(); ++c) {
      const double value = cells[r][c];
      if (!std::isfinite(value)) continue;
      if (!out.found || std::fabs(value) > std::fabs(out.value)) out = {value, r, c, true};
    }
  }
  return out;
}

double mean_of_group(const std::vector<std::vector<double>>& cells, std::size_t row,
                     std::size_t column, const ReducedMap& reduced) {
  double sum = 0;
  std::size_t count = 0;
  const std::size_t last_row = std::min(cells.size(), row + reduced.rows_averaged);
  const std::size_t last_column = std::min(cells[0].size(), column + reduced.columns_averaged);
  for (std::size_t r = row; r < last_row; ++r) {
    for (std::size_t c = column; c < last_column; ++c) {
      if (!std::isfinite(cells[r][c])) continue;
      sum += cells[r][c];
      ++count;
    }
  }
  return count == 0 ? not_given : sum / static_cast<double>(count);
}

struct Grid {
  double left = 64, top = 8;
  double cell_width = 0, cell_height = 0;
  std::size_t rows = 0, columns = 0;

  double right() const { return left + cell_width * static_cast<double>(columns); }
  double bottom() const { return top + cell_height * static_cast<double>(rows); }
  double x(std::size_t column) const { return left + cell_width * static_cast<double>(column); }
  double y(std::size_t row) const { return top + cell_height * static_cast<double>(row); }
};

Grid grid_of(const ReducedMap& map) {
  Grid grid;
  grid.rows = map.cells.size();
  grid.columns = map.cells[0].size();
  // Whole and half pixels keep positions short: a map of 128 x 128 cells is mostly digits.
  const auto halves = [](double size) { return std::floor(2 * size) / 2; };
  grid.cell_width = halves(std::min(24.0, 880.0 / static_cast<double>(grid.columns)));
  grid.cell_height = std::floor(
      std::min({24.0, std::max(grid.cell_width, 12.0), 560.0 / static_cast<double>(grid.rows)}));
  return grid;
}

std::string dash_at(const Grid& grid, std::size_t row, std::size_t column) {
  const double inset = std::floor(0.6 * grid.cell_width) / 2;
  return fmt::format("M{} {}h{}", svg_number(grid.x(column) + inset),
                     svg_number(grid.y(row) + grid.cell_height / 2),
                     svg_number(grid.cell_width - 2 * inset));
}

std::string hatch_at(const Grid& grid, std::size_t row, std::size_t column) {
  const double width = grid.cell_width - 1, height = grid.cell_height - 1;
  return fmt::format("M{} {}l{} {}l1 1l{} {}z", svg_number(grid.x(column)),
                     svg_number(grid.y(row) + height), svg_number(width), svg_number(-height),
                     svg_number(-width), svg_number(height));
}

// A stroke as thick as a cell is high: half the bytes of an outline.
std::string run_at(const Grid& grid, std::size_t row, std::size_t column, std::size_t end) {
  return fmt::format("M{} {}h{}", svg_number(grid.x(column)),
                     svg_number(grid.y(row) + grid.cell_height / 2),
                     svg_number(grid.x(end) - grid.x(column)));
}

// One path a colour and one piece a run of equal cells: 250 kB at the very most, where a rectangle
// for each cell would be a megabyte.
void draw_cells(Svg& svg, const Grid& grid, const ReducedMap& map, double limit) {
  std::array<std::string, 2 * colour_steps + 1> paths;
  std::string dashes, hatches;
  for (std::size_t r = 0; r < grid.rows; ++r) {
    const auto& row = map.cells[r];
    for (std::size_t c = 0; c < grid.columns;) {
      if (std::isnan(row[c])) {
        hatches += hatch_at(grid, r, c++);
        continue;
      }
      const std::size_t index = colour_index(row[c], limit);
      std::size_t end = c;
      for (; end < grid.columns && !std::isnan(row[end]); ++end) {
        if (colour_index(row[end], limit) != index) break;
        if (has_dash(index)) dashes += dash_at(grid, r, end);
      }
      paths.at(index) += run_at(grid, r, c, end);
      c = end;
    }
  }
  for (std::size_t index = 0; index < paths.size(); ++index) {
    if (paths.at(index).empty()) continue;
    const std::string colour = colour_at(index);
    svg.strokes(paths.at(index), {.colour = colour, .width = grid.cell_height});
  }
  if (!dashes.empty()) svg.strokes(dashes, {.colour = "#ffffff"});
  if (!hatches.empty()) svg.path(hatches, palette::axis);
}

void draw_frame(Svg& svg, const Grid& grid) {
  const Stroke edge = {.colour = palette::axis};
  svg.line({grid.left, grid.top}, {grid.right(), grid.top}, edge);
  svg.line({grid.left, grid.bottom()}, {grid.right(), grid.bottom()}, edge);
  svg.line({grid.left, grid.top}, {grid.left, grid.bottom()}, edge);
  svg.line({grid.right(), grid.top}, {grid.right(), grid.bottom()}, edge);
}

// Labels a power of two of cells apart, far enough from each other to be read.
std::size_t label_step(double cell, double room) {
  std::size_t step = 1;
  while (static_cast<double>(step) * cell < room) step *= 2;
  return step;
}

void draw_axes(Svg& svg, const Grid& grid, const ReducedMap& map, const MapWords& words) {
  const std::size_t column_step = label_step(grid.cell_width, 34);
  for (std::size_t c = 0; c < grid.columns; c += column_step) {
    const double x = grid.x(c) + grid.cell_width / 2;
    svg.line({x, grid.bottom()}, {x, grid.bottom() + 4}, {.colour = palette::axis});
    svg.text({x, grid.bottom() + 16}, fmt::format("{}", c * map.columns_averaged),
             {.anchor = Anchor::middle, .colour = palette::muted});
  }
  const std::size_t row_step = label_step(grid.cell_height, 13);
  for (std::size_t r = 0; r < grid.rows; r += row_step) {
    svg.text({grid.left - 7, grid.y(r) + grid.cell_height / 2 + 4},
             fmt::format("{}", r * map.rows_averaged),
             {.anchor = Anchor::end, .colour = palette::muted});
  }
  const TextStyle name = {.anchor = Anchor::start, .size = 12, .colour = palette::muted};
  svg.text({grid.left, grid.bottom() + 34}, "feature →", name);
  svg.text({2, grid.top + 10}, words.row, name);
  svg.text({2, grid.top + 24}, "↓", name);
}

void draw_scale(Svg& svg, const Grid& grid, double limit) {
  const double left = grid.right() + 28, width = 16, height = 120;
  const double cell = height / (2 * colour_steps + 1);
  for (std::size_t index = 0; index <= 2 * colour_steps; ++index) {
    const double y = grid.top + height - cell * static_cast<double>(index + 1);
    svg.rect({left, y, width, cell + 0.5}, colour_at(index));
    if (has_dash(index) && index % 4 == 0) {
      svg.rect({left + 0.3 * width, y + cell / 2 - 0.5, 0.4 * width, 1}, "#ffffff");
    }
  }
  const TextStyle style = {.anchor = Anchor::start, .colour = palette::ink};
  const std::string end = real(limit, 3);
  svg.text({left + width + 6, grid.top + 9}, "+" + end + " too large", style);
  svg.text({left + width + 6, grid.top + height / 2 + 4}, "0", style);
  svg.text({left + width + 6, grid.top + height}, "−" + end + " too small", style);
  svg.text({left, grid.top + height + 18}, "mean error, ulp",
           {.anchor = Anchor::start, .colour = palette::muted});
}

std::string caption_of(const HeatMap& map, const ReducedMap& reduced, const Extreme& extreme,
                       const MapWords& words) {
  std::string out = fmt::format(
      "{} × {} features. A dash marks cells beyond half the scale on the negative side.",
      words.rows, map.mean_ulp[0].size());
  if (extreme.found) {
    out += fmt::format(" Furthest from zero: {} ulp in {} {}, feature {}.",
                       typographic(real(extreme.value, 4)), words.one_row, extreme.row,
                       extreme.column);
  }
  if (reduced.rows_averaged * reduced.columns_averaged > 1) {
    out += fmt::format(
        " More than {} cells on a side: each cell drawn averages {} x {} "
        "({} x features).",
        heat_map_cells, reduced.rows_averaged, reduced.columns_averaged, words.row + "s");
  }
  return out;
}

}  // namespace

std::string diverging_colour(double t) {
  return t < 0 ? side_colour(-t, {116, 160, 204}, {22, 60, 105})
               : side_colour(t, {240, 165, 86}, {148, 66, 12});
}

ReducedMap reduce(const HeatMap& map) {
  ReducedMap out;
  const auto& cells = map.mean_ulp;
  if (cells.empty() || cells[0].empty()) return out;
  out.rows_averaged = (cells.size() + heat_map_cells - 1) / heat_map_cells;
  out.columns_averaged = (cells[0].size() + heat_map_cells - 1) / heat_map_cells;
  for (std::size_t r = 0; r < cells.size(); r += out.rows_averaged) {
    auto& row = out.cells.emplace_back();
    for (std::size_t c = 0; c < cells[0].size(); c += out.columns_averaged) {
      row.push_back(mean_of_group(cells, r, c, out));
    }
  }
  return out;
}

namespace {

Figure map_figure(const HeatMap& map, const MapWords& words) {
  const ReducedMap reduced = reduce(map);
  if (reduced.cells.empty()) return {.svg = "", .caption = "The map has no cells."};
  const double limit = std::fabs(extreme_of(reduced.cells).value);
  const Grid grid = grid_of(reduced);
  Svg svg({.width = grid.right() + 172,
           .height = std::max(grid.bottom() + 42, grid.top + 150),
           .title = words.title});
  draw_cells(svg, grid, reduced, limit);
  draw_frame(svg, grid);
  draw_axes(svg, grid, reduced, words);
  draw_scale(svg, grid, limit);
  return {.svg = std::move(svg).finish(),
          .caption = caption_of(map, reduced, extreme_of(map.mean_ulp), words)};
}

}  // namespace

Figure heat_map_figure(const HeatMap& map, std::string_view tensor) {
  return map_figure(
      map, {.title = fmt::format("Mean signed error of {} by row tile and feature", tensor),
            .row = "tile",
            .one_row = "row tile",
            .rows = fmt::format("{} row tiles of {} rows", map.mean_ulp.size(), map.row_tile)});
}

Figure head_map_figure(const HeatMap& map, std::string_view tensor) {
  return map_figure(map,
                    {.title = fmt::format("Mean signed error of {} by head and feature", tensor),
                     .row = "head",
                     .one_row = "head",
                     .rows = fmt::format("{} heads", map.mean_ulp.size())});
}

}  // namespace ulpscope
