// The drawings of a report: where the errors of one step lie, and where in a tensor they sit.
//
// Histogram. The middle panel is linear, -1 to 1 ulp. The shaded panels on either side hold one
// bar an octave (1 to 2, 2 to 4, ...), as many as are in use, so their width is compressed. Bars
// are shares of the elements; exact zeros are in none of them but in the strip on top: too small,
// exact, too large. The mean is marked wherever it lies.
//
// Heat map. One cell is the mean signed error of one row tile in one feature. The scale is
// symmetric about zero, so no error is always the same pale colour; a dash marks the cells
// beyond half the scale on the negative side, for readers without colour. More than 128 cells on a
// side are averaged in equal groups, and the caption says how many.
//
// Build-up. A line a step, in the order of the computation: a bar from the mean error before it is
// switched on to that behind it, bold where the difference is called. Steps that bring little are
// one line before the last.
//
//   histogram_figure(output, FigureSize::full);
//   heat_map_figure(*output.heat_map, "o");
//
// Tested by tests/report/figures_test.cpp.
#pragma once

#include "ulpscope/report/summary.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class FigureSize { full, thumbnail };

std::string histogram_figure(const Statistics& statistics, FigureSize size);

inline constexpr std::size_t heat_map_cells = 128;  // the most on a side that are drawn

// A heat map made small enough to draw. Groups are averaged over their finite cells.
struct ReducedMap {
  std::vector<std::vector<double>> cells;  // NaN: no finite value in the group
  std::size_t rows_averaged = 1, columns_averaged = 1;
};
ReducedMap reduce(const HeatMap& map);

struct Figure {
  std::string svg;
  std::string caption;  // plain text
};
Figure heat_map_figure(const HeatMap& map, std::string_view tensor);
Figure head_map_figure(const HeatMap& map, std::string_view tensor);

// Elements by the binade of the exact value and the size of their error: counts, shaded by their
// logarithm. More than 64 binades: all below the highest 63 share the first column.
Figure magnitude_figure(const MagnitudeMap& map, const Statistics& statistics);

inline constexpr std::size_t build_up_steps = 12;  // the most that are drawn one by one

// The mean error of a tensor as its steps are switched on, and what each errs alone.
Figure build_up_figure(const AttributedTensor& tensor);

// -1 is deepest blue, 0 pale, 1 deepest orange: "#rrggbb", in 33 steps.
std::string diverging_colour(double t);

// A dot at the mean with whiskers of two standard errors, on a scale of -limit to limit; filled
// where the mean is called biased. Small, to stand in a table row; a common limit makes the rows
// comparable.
std::string mean_figure(const Statistics& statistics, double limit);
double mean_limit(const std::vector<Statistics>& rows);

// Elements by distance, as horizontal bars.
std::string bucket_figure(const ComparisonRow& comparison);

}  // namespace ulpscope
