// The build-up of a tensor's error, step by step, as bars from where the last one ended.
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/svg.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "palette.hpp"
#include <fmt/format.h>

namespace ulpscope {
namespace {

constexpr double names = 190, panel = 350, numbers = 175, widths = 130;
constexpr double bars_left = names, widths_left = names + panel + numbers;
constexpr double width = widths_left + widths + 56, row_height = 22, top = 38;
constexpr double least_bar = 1.5;  // what is shorter is a stroke

double finite(double x) { return std::isfinite(x) ? x : 0; }

// One line: a bar from `from` to `to`.
struct Line {
  std::string name, number;
  double from = 0, to = 0, rms = 0;
  bool called = false;
};

bool is_called(const MeanRow& row) { return std::fabs(row.z) >= called_z; }

// Those that bring most bias, and then most error, in the order of the computation.
std::vector<std::size_t> shown_steps(const AttributedTensor& tensor) {
  const auto& steps = tensor.steps;
  std::vector<std::size_t> order(steps.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto weight = [&](std::size_t i) {
    const MeanRow& brought = steps[i].increment;
    return std::pair(is_called(brought) ? std::fabs(finite(brought.mean_ulp)) : 0,
                     finite(steps[i].alone.width_ulp));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
  order.resize(std::min(order.size(), build_up_steps));
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<Line> lines_of(const AttributedTensor& tensor) {
  double at = finite(tensor.exact.mean_ulp);
  std::vector<Line> lines{{.name = "all steps exact",
                           .number = with_error(tensor.exact.mean_ulp, tensor.exact.stderr_ulp),
                           .to = at,
                           .rms = finite(tensor.exact.width_ulp),
                           .called = is_called(tensor.exact)}};
  const auto shown = shown_steps(tensor);
  for (const std::size_t i : shown) {
    const SuspectRow& step = tensor.steps[i];
    const double to = at + finite(step.increment.mean_ulp);
    lines.push_back({.name = shortened(visible(step.name), 26),
                     .number = with_error(step.increment.mean_ulp, step.increment.stderr_ulp),
                     .from = at,
                     .to = to,
                     .rms = finite(step.alone.width_ulp),
                     .called = is_called(step.increment)});
    at = to;
  }
  const double kernel = finite(tensor.kernel.mean_ulp);
  if (shown.size() < tensor.steps.size()) {
    lines.push_back(
        {.name = fmt::format("{} steps that bring less", tensor.steps.size() - shown.size()),
         .number = real(kernel - at, 2),
         .from = at,
         .to = kernel});
  }
  lines.push_back({.name = "the kernel",
                   .number = with_error(tensor.kernel.mean_ulp, tensor.kernel.stderr_ulp),
                   .to = kernel,
                   .rms = finite(tensor.kernel.width_ulp),
                   .called = is_called(tensor.kernel)});
  return lines;
}

// A scale with 0 in it, from one end of the bars to the other.
struct Scale {
  double low = 0, high = 0;

  explicit Scale(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      low = std::min({low, line.from, line.to});
      high = std::max({high, line.from, line.to});
    }
    if (!(high > low)) high = low + 1;
  }
  double at(double ulp) const { return bars_left + 8 + (panel - 16) * (ulp - low) / (high - low); }
};

std::string_view fill_of(const Line& line) {
  if (!line.called) return palette::exact;
  return line.to < line.from ? palette::smaller : palette::larger;
}

void draw_bar(Svg& svg, const Line& line, const Scale& scale, double y) {
  const double from = scale.at(std::min(line.from, line.to));
  const double to = scale.at(std::max(line.from, line.to));
  if (to - from >= least_bar) {
    svg.rect({from, y + 4, to - from, row_height - 8}, fill_of(line));
  } else {
    svg.line({from, y + 4}, {from, y + row_height - 4}, {.colour = palette::muted, .width = 1.5});
  }
}

}  // namespace

Figure build_up_figure(const AttributedTensor& tensor) {
  const auto lines = lines_of(tensor);
  const Scale scale(lines);
  double rms = 0;
  for (const Line& line : lines) rms = std::max(rms, line.rms);
  const double bottom = top + row_height * static_cast<double>(lines.size());
  const std::string title = "Where the error of " + visible(tensor.name) + " comes in";
  Svg svg({.width = width, .height = bottom + 6, .title = title});
  const TextStyle head{.size = 12, .colour = palette::muted};
  svg.text({bars_left + 8, 14}, "bias, ulp: each bar begins where the last one ended", head);
  svg.text({widths_left, 14}, "error alone, rms ulp", head);
  svg.text({scale.at(0), 31}, "0",
           {.anchor = Anchor::middle, .size = 11, .colour = palette::muted});
  svg.line({scale.at(0), top - 4}, {scale.at(0), bottom}, {.colour = palette::axis});
  svg.line({widths_left, top - 4}, {widths_left, bottom}, {.colour = palette::axis});
  double y = top;
  for (const Line& line : lines) {
    const Weight weight = line.called ? Weight::bold : Weight::normal;
    const double base = y + row_height - 7;
    svg.text({names - 6, base}, line.name,
             {.anchor = Anchor::end, .size = 12, .colour = palette::ink, .weight = weight});
    draw_bar(svg, line, scale, y);
    svg.text({bars_left + panel + 4, base}, typographic(line.number),
             {.size = 12, .colour = palette::ink, .weight = weight});
    if (line.rms > 0) {
      const double length = widths * line.rms / rms;
      if (length >= least_bar) {
        svg.rect({widths_left, y + 6, length, row_height - 12}, palette::muted);
      }
      svg.text({widths_left + length + 5, base}, real(line.rms, 2),
               {.size = 12, .colour = palette::ink});
    }
    y += row_height;
  }
  return {std::move(svg).finish(),
          fmt::format("{}{}: all steps exact at first, then switched on in the order of the "
                      "computation. Blue pulls down, orange up, pale is not told from chance "
                      "(|z| below 5). On the right what the step does alone, all others exact.",
                      tensor.name,
                      tensor.head ? fmt::format(", head {}", *tensor.head) : std::string())};
}

}  // namespace ulpscope
