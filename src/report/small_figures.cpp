// The small drawings that stand inside tables: a mean with its error, and distance buckets.
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/svg.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>

#include "palette.hpp"
#include <fmt/format.h>

namespace ulpscope {

double mean_limit(const std::vector<Statistics>& rows) {
  double limit = 0;
  for (const Statistics& row : rows) {
    const double error = std::isfinite(row.stderr_ulp) ? row.stderr_ulp : 0;
    const double reach = std::fabs(row.mean_ulp) + 2 * error;
    if (std::isfinite(reach)) limit = std::max(limit, reach);
  }
  return limit > 0 ? limit : 1;
}

std::string mean_figure(const Statistics& statistics, double limit) {
  constexpr double width = 96, height = 18, middle = width / 2, half = width / 2 - 6;
  const std::string title =
      "mean " + typographic(with_error(statistics.mean_ulp, statistics.stderr_ulp)) + " ulp";
  Svg svg({.width = width, .height = height, .title = title});
  svg.line({middle, 1}, {middle, height - 1}, {.colour = palette::axis});
  if (!std::isfinite(statistics.mean_ulp)) return std::move(svg).finish();
  const auto x = [&](double ulp) { return middle + half * std::clamp(ulp / limit, -1.0, 1.0); };
  const std::string_view side = statistics.mean_ulp < 0 ? palette::smaller : palette::larger;
  const std::string_view colour = statistics.is_called() ? side : palette::muted;
  const double error = std::isfinite(statistics.stderr_ulp) ? 2 * statistics.stderr_ulp : 0;
  svg.line({x(statistics.mean_ulp - error), height / 2},
           {x(statistics.mean_ulp + error), height / 2}, {.colour = colour, .width = 1.5});
  svg.circle({x(statistics.mean_ulp), height / 2}, 3.5, statistics.is_called() ? colour : "#ffffff",
             {.colour = colour, .width = 1.5});
  return std::move(svg).finish();
}

std::string bucket_figure(const ComparisonRow& comparison) {
  constexpr double label = 64, longest = 520, row = 24;
  Svg svg({.width = label + longest + 200,
           .height = row * static_cast<double>(comparison.ulp_buckets.size()) + 4,
           .title = "Elements by distance in ulps"});
  uint64_t most = 1;
  for (const auto& [name, count] : comparison.ulp_buckets) most = std::max(most, count);
  double y = 2;
  for (const auto& [name, count] : comparison.ulp_buckets) {
    const double length = longest * static_cast<double>(count) / static_cast<double>(most);
    const double drawn = count == 0 ? 0 : std::max(1.0, length);  // one element is still seen
    svg.text({label - 8, y + 15}, name,
             {.anchor = Anchor::end, .size = 12, .colour = palette::ink});
    svg.rect({label, y + 3, drawn, row - 8}, name == "0" ? palette::exact : palette::larger);
    svg.text({label + drawn + 7, y + 15},
             fmt::format("{}  ({})", grouped(count), percent(count, comparison.elements)),
             {.size = 12, .colour = palette::ink});
    y += row;
  }
  return std::move(svg).finish();
}

}  // namespace ulpscope
