// The signed-ulp histogram: a linear middle from -1 to 1, compressed octave tails at the sides.
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/svg.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>

#include "palette.hpp"
#include <fmt/format.h>

namespace ulpscope {
namespace {

struct Layout {
  double width, height;
  double left, right, top, bottom;  // margins around the bars
  double octave;                    // widest bar of a tail
  std::size_t fewest_octaves;
  double font;
};

Layout layout_of(FigureSize size) {
  switch (size) {
    case FigureSize::full:
      return {.width = 1080,
              .height = 300,
              .left = 58,
              .right = 14,
              .top = 62,
              .bottom = 52,
              .octave = 22,
              .fewest_octaves = 4,
              .font = 12};
    case FigureSize::thumbnail:
      return {.width = 280,
              .height = 116,
              .left = 6,
              .right = 6,
              .top = 18,
              .bottom = 20,
              .octave = 9,
              .fewest_octaves = 3,
              .font = 10};
  }
  return {};
}

// 1, 2 or 5 times a power of ten, so that about `wanted` steps reach `top`.
double nice_step(double top, int wanted) {
  const double rough = top / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10.0 * power;
}

std::string octave_label(double edge) {
  const double size = std::fabs(edge);
  const std::string sign = edge < 0 ? "−" : "";
  if (std::isinf(size)) return sign + "∞";
  if (size >= 0x1p20) return sign + real(size / 0x1p20, 3) + "M";
  if (size >= 0x1p10) return sign + real(size / 0x1p10, 3) + "k";
  return sign + real(size, 3);
}

// Where a bin or a value lies. Bins are those of the histogram less the empty far octaves.
class Axis {
 public:
  Axis(const Histogram& histogram, const Layout& layout) : edges_(histogram.edges) {
    const auto position = [&](double edge) {
      return static_cast<std::size_t>(std::lower_bound(edges_.begin(), edges_.end(), edge) -
                                      edges_.begin());
    };
    low_ = position(-1.0);
    high_ = position(1.0);
    octaves_ = layout.fewest_octaves;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      if (histogram.counts[i] != 0) octaves_ = std::max(octaves_, octave_of(i));
    }
    octaves_ = std::min(octaves_, std::max(low_, edges_.size() - 1 - high_));
    const double plot = layout.width - layout.left - layout.right;
    octave_width_ = std::min(layout.octave, 0.2 * plot / static_cast<double>(octaves_));
    tail_ = octave_width_ * static_cast<double>(octaves_);
    left_ = layout.left;
    right_ = layout.width - layout.right;
  }

  std::size_t first_bin() const { return low_ - std::min(low_, octaves_); }
  std::size_t last_bin() const { return std::min(edges_.size() - 1, high_ + octaves_); }
  bool is_tail(std::size_t bin) const { return bin < low_ || bin >= high_; }
  std::size_t octaves() const { return octaves_; }
  double octave_distance(std::size_t octave) const {
    return octave_width_ * static_cast<double>(octave);
  }
  double tail_width() const { return tail_; }
  double middle_left() const { return left_ + tail_ + gap; }
  double middle_right() const { return right_ - tail_ - gap; }

  // The left end of bin i or, for i one past the last, the right end of the last one.
  double edge_x(std::size_t i) const {
    if (i < low_) return left_ + tail_ - octave_width_ * static_cast<double>(low_ - i);
    if (i > high_) return right_ - tail_ + octave_width_ * static_cast<double>(i - high_);
    return linear_x(edges_[i]);
  }
  Box bin_box(std::size_t bin) const {
    const double from = bin == high_ ? right_ - tail_ : edge_x(bin);
    const double to = bin + 1 == low_ ? left_ + tail_ : edge_x(bin + 1);
    return {.x = from, .y = 0, .width = to - from, .height = 0};
  }
  // In a tail a value stands in the middle of its octave's bar.
  double value_x(double value) const {
    if (value >= -1.0 && value <= 1.0) return linear_x(value);
    auto bin = static_cast<std::size_t>(std::upper_bound(edges_.begin(), edges_.end(), value) -
                                        edges_.begin());
    bin = std::clamp(bin == 0 ? 0 : bin - 1, first_bin(), last_bin() - 1);
    const Box box = bin_box(bin);
    return box.x + box.width / 2;
  }
  std::size_t edges() const { return edges_.size(); }
  double edge(std::size_t i) const { return edges_[i]; }
  std::size_t low() const { return low_; }
  std::size_t high() const { return high_; }

 private:
  static constexpr double gap = 7;

  std::size_t octave_of(std::size_t bin) const {
    return bin < low_ ? low_ - bin : bin >= high_ ? bin - high_ + 1 : 0;
  }
  double linear_x(double value) const {
    const double middle = (middle_left() + middle_right()) / 2;
    return middle + value * (middle_right() - middle_left()) / 2;
  }

  const std::vector<double>& edges_;
  std::size_t low_ = 0, high_ = 0, octaves_ = 0;
  double octave_width_ = 0, tail_ = 0, left_ = 0, right_ = 0;
};

struct Shares {
  uint64_t smaller = 0, exact = 0, larger = 0;
  uint64_t all() const { return smaller + exact + larger; }
};

Shares shares_of(const Histogram& histogram) {
  Shares out = {.smaller = 0, .exact = histogram.zero, .larger = 0};
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    (histogram.edges[i] < 0 ? out.smaller : out.larger) += histogram.counts[i];
  }
  return out;
}

class Plot {
 public:
  Plot(const Statistics& statistics, FigureSize size)
      : statistics_(statistics),
        size_(size),
        layout_(layout_of(size)),
        axis_(statistics.histogram, layout_),
        shares_(shares_of(statistics.histogram)),
        title_("Signed error of " + statistics.name + " in ulps of " + statistics.format),
        svg_({.width = layout_.width, .height = layout_.height, .title = title_}) {
    const auto& counts = statistics.histogram.counts;
    const uint64_t most = *std::max_element(counts.begin(), counts.end());
    top_share_ = most == 0 ? 1.0 : share(most) * 1.08;
  }

  std::string draw() && {
    strip();
    panels();
    if (size_ == FigureSize::full) share_axis();
    bars();
    ulp_axis();
    mean();
    return std::move(svg_).finish();
  }

 private:
  double base() const { return layout_.height - layout_.bottom; }
  double share(uint64_t count) const {
    const uint64_t all = shares_.all();
    return all == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(all);
  }
  double height(double part) const { return part / top_share_ * (base() - layout_.top); }

  // Too small, exact, too large, as lengths of one bar.
  void strip() {
    const double left =
        size_ == FigureSize::full ? layout_.left : axis_.bin_box(axis_.first_bin()).x;
    const double width = layout_.width - layout_.right - left;
    const double thickness = size_ == FigureSize::full ? 10 : 5;
    const double y = size_ == FigureSize::full ? 22 : 3;
    const double first = width * share(shares_.smaller), second = width * share(shares_.exact);
    svg_.rect({left, y, width, thickness}, palette::panel);
    svg_.rect({left, y, first, thickness}, palette::smaller);
    svg_.rect({left + first, y, second, thickness}, palette::exact);
    svg_.rect({left + first + second, y, width * share(shares_.larger), thickness},
              palette::larger);
    if (size_ == FigureSize::thumbnail) return;
    const auto label = [&](std::string_view what, uint64_t count) {
      return fmt::format("{} {}", what, percent(count, shares_.all()));
    };
    svg_.text({left, 14}, label("too small", shares_.smaller), {.colour = palette::ink});
    svg_.text({left + width / 2, 14}, label("exact", shares_.exact),
              {.anchor = Anchor::middle, .colour = palette::ink});
    svg_.text({left + width, 14}, label("too large", shares_.larger),
              {.anchor = Anchor::end, .colour = palette::ink});
  }

  void panels() {
    const double y = layout_.top, height = base() - layout_.top, width = axis_.tail_width();
    svg_.rect({layout_.left, y, width, height}, palette::panel);
    svg_.rect({layout_.width - layout_.right - width, y, width, height}, palette::panel);
  }

  void share_axis() {
    const double step = nice_step(100.0 * top_share_, 4);
    for (double tick = 0; tick <= 100.0 * top_share_; tick += step) {
      const double y = base() - height(tick / 100.0);
      svg_.line({layout_.left, y}, {layout_.width - layout_.right, y}, {.colour = palette::grid});
      svg_.text({layout_.left - 7, y + 4}, real(tick, 3) + " %",
                {.anchor = Anchor::end, .size = 11, .colour = palette::muted});
    }
  }

  void bars() {
    for (std::size_t bin = axis_.first_bin(); bin < axis_.last_bin(); ++bin) {
      const uint64_t count = statistics_.histogram.counts[bin];
      if (count == 0) continue;
      const Box box = axis_.bin_box(bin);
      const double tall = std::max(1.0, height(share(count)));  // one element is still seen
      const double space = std::min(1.0, box.width * 0.1);
      svg_.rect({box.x + space / 2, base() - tall, box.width - space, tall},
                axis_.edge(bin) < 0 ? palette::smaller : palette::larger);
    }
    const double zero = axis_.value_x(0);
    svg_.line({zero, layout_.top}, {zero, base()}, {.colour = palette::axis, .dashes = "1 3"});
    svg_.line({layout_.left, base()}, {layout_.width - layout_.right, base()},
              {.colour = palette::axis});
  }

  void tick(double x, std::string_view label) {
    svg_.line({x, base()}, {x, base() + 4}, {.colour = palette::axis});
    const double half = 0.31 * layout_.font * static_cast<double>(columns(label));
    const double inside = std::clamp(x, half + 1, layout_.width - half - 1);
    svg_.text({inside, base() + 5 + layout_.font}, label,
              {.anchor = Anchor::middle, .size = layout_.font - 1, .colour = palette::muted});
  }

  void tick_at_edge(std::size_t i) { tick(axis_.edge_x(i), octave_label(axis_.edge(i))); }

  void ulp_axis() {
    const bool full = size_ == FigureSize::full;
    for (const double value : {-1.0, -0.5, 0.0, 0.5, 1.0}) {
      tick(axis_.value_x(value), typographic(real(value, 3)));
    }
    // The outermost octave is always labelled, and every n-th one so that labels do not touch.
    const std::size_t all = axis_.octaves();
    const auto fitting = static_cast<std::size_t>(axis_.tail_width() / 34);
    const std::size_t every = full && fitting > 0 ? (all + fitting - 1) / fitting : all;
    for (std::size_t octave = all; octave >= 1; octave -= std::min(octave, every)) {
      if (octave != all && axis_.octave_distance(octave) < 24) continue;  // would touch the 1
      if (axis_.high() + octave < axis_.edges()) tick_at_edge(axis_.high() + octave);
      if (octave <= axis_.low()) tick_at_edge(axis_.low() - octave);
    }
    if (full) words();
  }

  void words() {
    const double y = layout_.height - 8;
    const auto words_at = [&](double x, Anchor anchor, std::string_view text) {
      svg_.text({x, y}, text, {.anchor = anchor, .size = 12, .colour = palette::muted});
    };
    words_at(layout_.left, Anchor::start, "log: one bar an octave");
    words_at(layout_.width - layout_.right, Anchor::end, "log: one bar an octave");
    words_at(axis_.value_x(-0.5), Anchor::middle, "← too small");
    words_at(axis_.value_x(0), Anchor::middle, "signed error, ulp of " + statistics_.format);
    words_at(axis_.value_x(0.5), Anchor::middle, "too large →");
  }

  void mean() {
    if (!std::isfinite(statistics_.mean_ulp)) return;
    const bool full = size_ == FigureSize::full;
    const double x = axis_.value_x(statistics_.mean_ulp);
    const double top = layout_.top - (full ? 8 : 4);
    svg_.line({x, top}, {x, base()}, {.colour = palette::ink, .width = full ? 1.6 : 1.2});
    svg_.path(fmt::format("M{} {}h8l-4 6z", svg_number(x - 4), svg_number(top - 3)), palette::ink);
    if (!full) return;
    const std::string label =
        "mean " + typographic(with_error(statistics_.mean_ulp, statistics_.stderr_ulp)) + " ulp";
    const bool right_half = x > layout_.width / 2;
    svg_.text({right_half ? x - 8 : x + 8, top + 3}, label,
              {.anchor = right_half ? Anchor::end : Anchor::start,
               .size = 12,
               .colour = palette::ink,
               .weight = Weight::bold});
  }

  const Statistics& statistics_;
  FigureSize size_;
  Layout layout_;
  Axis axis_;
  Shares shares_;
  std::string title_;
  Svg svg_;
  double top_share_ = 1.0;
};

}  // namespace

std::string histogram_figure(const Statistics& statistics, FigureSize size) {
  return Plot(statistics, size).draw();
}

}  // namespace ulpscope
