#include "ulpscope/report/line_plot.hpp"

#include "ulpscope/report/svg.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "palette.hpp"

namespace ulpscope {

namespace {

// Told apart by colour-blind readers, dark enough on white (Okabe and Ito).
constexpr std::array<std::string_view, 7> colours{"#0072b2", "#d55e00", "#009e73", "#8a5a83",
                                                  "#8a6d00", "#3a9bd0", "#1c2530"};
constexpr std::array<std::string_view, 3> dashes{"", "6 3", "2 3"};

constexpr double left = 70, top = 14, width = 620, height = 260, row = 18;

// From figures to heights on the panel.
class Scale {
 public:
  explicit Scale(const LinePlot& plot) {
    for (const auto& line : plot.lines) {
      for (const auto& point : line.points) include(point);
    }
    logarithmic_ = low_ > 0 && high_ > 1000 * low_;
    if (logarithmic_) {
      low_ = std::floor(std::log10(low_));
      high_ = std::ceil(std::log10(high_));
    } else {
      low_ = std::min(low_, 0.0);
      high_ = std::max(high_, 0.0);
      step_ = step_for(high_ - low_);
      low_ = std::floor(low_ / step_) * step_;
      high_ = std::ceil(high_ / step_) * step_;
    }
    if (!(high_ > low_)) high_ = low_ + step_;
  }

  bool is_logarithmic() const { return logarithmic_; }
  double at(double value) const {
    const double place = logarithmic_ ? std::log10(value) : value;
    return top + height * (high_ - std::clamp(place, low_, high_)) / (high_ - low_);
  }
  std::vector<double> ticks() const {
    std::vector<double> ticks;
    const double step = logarithmic_ ? std::max(1.0, std::ceil((high_ - low_) / 8)) : step_;
    for (int i = 0; low_ + i * step <= high_ + step / 2; ++i) {
      const double place = low_ + i * step;
      ticks.push_back(logarithmic_ ? std::pow(10.0, place) : place);
    }
    return ticks;
  }

 private:
  void include(const PlotPoint& point) {
    if (!std::isfinite(point.value)) return;
    low_ = std::min(low_, point.value);
    high_ = std::max(high_, point.value);
  }
  // 1, 2 or 5 times a power of ten, some six of them in the range.
  static double step_for(double range) {
    if (!(range > 0)) return 1;
    const double least = range / 6;
    const double decade = std::pow(10.0, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor * decade >= least) return factor * decade;
    }
    return 10 * decade;
  }

  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
  double step_ = 1;
  bool logarithmic_ = false;
};

bool has_points(const LinePlot& plot) {
  return std::any_of(plot.lines.begin(), plot.lines.end(), [](const PlotLine& line) {
    return std::any_of(line.points.begin(), line.points.end(),
                       [](const PlotPoint& point) { return std::isfinite(point.value); });
  });
}

double x_at(const LinePlot& plot, size_t i) {
  const auto gaps = static_cast<double>(plot.x.size());
  return left + width * (static_cast<double>(i) + 0.5) / gaps;
}

void draw_panel(Svg& svg, const LinePlot& plot, const Scale& scale) {
  svg.rect({left, top, width, height}, palette::panel);
  for (const double tick : scale.ticks()) {
    svg.line({left, scale.at(tick)}, {left + width, scale.at(tick)}, {.colour = palette::grid});
    svg.text({left - 6, scale.at(tick) + 4}, typographic(real(tick, 3)),
             {.anchor = Anchor::end, .colour = palette::muted});
  }
  if (!scale.is_logarithmic()) {
    svg.line({left, scale.at(0)}, {left + width, scale.at(0)}, {.colour = palette::axis});
  }
  // At most some twenty labels.
  const size_t every = (plot.x.size() + 19) / 20;
  for (size_t i = 0; i < plot.x.size(); i += every) {
    svg.text({x_at(plot, i), top + height + 16}, shortened(plot.x[i], 10),
             {.anchor = Anchor::middle, .colour = palette::muted});
  }
  svg.text({left + width / 2, top + height + 34},
           plot.x_name + (scale.is_logarithmic() ? "   (logarithmic scale upwards)" : ""),
           {.anchor = Anchor::middle, .size = 12});
}

void draw_line(Svg& svg, const LinePlot& plot, const Scale& scale, size_t index) {
  const Stroke stroke{.colour = colours[index % colours.size()],
                      .width = 1.6,
                      .dashes = dashes[index / colours.size() % dashes.size()]};
  const auto& points = plot.lines[index].points;
  const auto place = [&](size_t i) { return Point{x_at(plot, i), scale.at(points[i].value)}; };
  for (size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].value)) continue;
    if (i > 0 && std::isfinite(points[i - 1].value)) svg.line(place(i - 1), place(i), stroke);
    const double reach = 2 * points[i].error;
    if (std::isfinite(reach) && reach > 0 && !scale.is_logarithmic()) {
      svg.line({x_at(plot, i), scale.at(points[i].value - reach)},
               {x_at(plot, i), scale.at(points[i].value + reach)}, {.colour = stroke.colour});
    }
    svg.circle(place(i), 2.6, stroke.colour, {.colour = stroke.colour});
  }
}

void draw_key(Svg& svg, const LinePlot& plot) {
  double y = top + 10;
  for (size_t i = 0; i < plot.lines.size(); ++i, y += row) {
    const double x = left + width + 14;
    svg.line({x, y}, {x + 26, y},
             {.colour = colours[i % colours.size()],
              .width = 1.6,
              .dashes = dashes[i / colours.size() % dashes.size()]});
    svg.text({x + 32, y + 4}, shortened(plot.lines[i].name, 36), {});
  }
}

}  // namespace

std::string line_plot(const LinePlot& plot) {
  const bool named = plot.lines.size() > 1;
  const double key_height = row * static_cast<double>(plot.lines.size()) + 20;
  Svg svg({.width = left + width + (named ? 270 : 10),
           .height = std::max(top + height + 44, named ? key_height : 0.0),
           .title = plot.title});
  if (!has_points(plot)) {
    svg.text({left, top + 20}, "no finite value", {.colour = palette::muted});
    return std::move(svg).finish();
  }
  const Scale scale(plot);
  draw_panel(svg, plot, scale);
  for (size_t i = 0; i < plot.lines.size(); ++i) draw_line(svg, plot, scale, i);
  if (named) draw_key(svg, plot);
  return std::move(svg).finish();
}

}  // namespace ulpscope
