#include "ulpscope/run/sweep_grid.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/kernel_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr size_t most_points = 10'000;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::usage, what); }

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return number;
}

double real_of(const std::string& text) {
  const auto number = number_in<double>(text);
  if (!number || !std::isfinite(*number)) refuse(fmt::format("'{}': expected a number", text));
  return *number;
}

template <int64_t most>
int64_t size_of(const std::string& text) {
  const auto number = number_in<int64_t>(text);
  if (!number || *number < 1 || *number > most) {
    refuse(fmt::format("'{}': expected an integer from 1 to {}", text, most));
  }
  return *number;
}
constexpr int64_t longest = int64_t{1} << 20;

std::vector<std::string> pieces_of(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (size_t from = 0; from <= text.size();) {
    const size_t to = std::min(text.find(separator, from), text.size());
    pieces.emplace_back(text.substr(from, to - from));
    from = to + 1;
  }
  return pieces;
}

// "128x64"
std::array<int64_t, 2> pair_of(const std::string& text, int64_t least) {
  const auto pieces = pieces_of(text, 'x');
  const auto first = number_in<int64_t>(pieces[0]);
  const auto second = pieces.size() == 2 ? number_in<int64_t>(pieces[1]) : std::nullopt;
  if (!first || !second || *first < least || *second < least) {
    refuse(fmt::format("'{}': expected two integers, as in 128x64", text));
  }
  return {*first, *second};
}

// Places that are swept together.
struct PlaceGroup {
  std::string_view name;
  std::span<const Site> sites;
};
constexpr std::array running_state{
    Site::shifted_score,  Site::probability, Site::row_sum_keep,      Site::maximum_step,
    Site::rescale_factor, Site::rescale,     Site::output_accumulate, Site::output_keep};
constexpr std::array scores{Site::scores, Site::scaled_score};
constexpr std::array place_groups{PlaceGroup{"state", running_state}, PlaceGroup{"logits", scores}};

void add_place(CastPlaces& places, const std::string& name) {
  const auto group = std::find_if(place_groups.begin(), place_groups.end(),
                                  [&](const PlaceGroup& g) { return g.name == name; });
  if (group != place_groups.end()) {
    places.sites.insert(places.sites.end(), group->sites.begin(), group->sites.end());
  } else if (name == "inputs") {
    places.inputs = true;
  } else {
    places.sites.push_back(site_named(name));
  }
}

void set_places(SweepPoint& point, const std::string& text) {
  point.places = {};
  for (const auto& name : pieces_of(text, '+')) add_place(point.places, name);
}

void set_mask(SweepPoint& point, const std::string& text) {
  if (text == "none") {
    point.mask = no_mask;
  } else if (text == "causal") {
    point.mask = causal_mask;
  } else {
    const auto [left, right] = pair_of(text, Mask::unbounded);
    point.mask = Mask{.left = left, .right = right};
  }
}

void set_kernel(SweepPoint& point, const std::string& text) {
  const auto [recipe, chip] = kernel_and_chip(text);
  const bool names_a_chip = text.find('@') != std::string::npos;
  if (point.chip != nullptr && names_a_chip) {
    refuse(fmt::format("'{}' beside --chips: expected a kernel without its chip", text));
  }
  point.recipe = &recipe;
  if (names_a_chip) point.chip = &chip;
}

void set_tile(SweepPoint& point, const std::string& text) {
  point.whole_tile = text == "whole";
  if (point.whole_tile) return;
  const auto [rows, keys] = pair_of(text, 1);
  point.tile = TileOverride{rows, keys};
}

void set_addends(SweepPoint& point, const std::string& text) {
  if (text != "uniform" && text != "ones") refuse("'" + text + "': expected uniform or ones");
  point.addends = text == "ones" ? Addends::ones : Addends::uniform;
}

void set_order(SweepPoint& point, const std::string& text) {
  if (text != "ascending" && text != "descending") {
    refuse("'" + text + "': expected ascending or descending");
  }
  point.order = text == "ascending" ? TileOrder::ascending : TileOrder::descending;
}

void set_logit_scale(SweepPoint& point, const std::string& text) {
  point.logit_scale = real_of(text);
  if (!(point.logit_scale > 0)) refuse("'" + text + "': expected a number above zero");
}

void set_p_scale(SweepPoint& point, const std::string& text) {
  point.p_scale = real_of(text);
  if (!(point.p_scale >= 0x1p-100 && point.p_scale <= 0x1p100)) {
    refuse("'" + text + "': expected a scale above zero");
  }
}

// In the order of the product.
constexpr auto drawn = AxisOf::drawn_problem;
constexpr auto any = AxisOf::any_problem;
constexpr std::array table{
    AxisRow{"law", drawn, "law of a drawn problem",
            [](SweepPoint& p, const std::string& v) { p.law.kind = law_named(v); }},
    AxisRow{"heads", drawn, "heads",
            [](SweepPoint& p, const std::string& v) { p.shape.heads = size_of<4096>(v); }},
    AxisRow{"rows", drawn, "queries, and keys where --keys is not given",
            [](SweepPoint& p, const std::string& v) { p.shape.rows = size_of<longest>(v); }},
    AxisRow{"keys", drawn, "keys",
            [](SweepPoint& p, const std::string& v) { p.shape.keys = size_of<longest>(v); }},
    AxisRow{"dims", drawn, "head sizes",
            [](SweepPoint& p, const std::string& v) { p.shape.dim = size_of<4096>(v); }},
    AxisRow{"gap", drawn, "ties: how far the other scores lie below the maxima",
            [](SweepPoint& p, const std::string& v) { p.law.gap = real_of(v); }},
    AxisRow{"sink", drawn, "ties: factor of the values of the keys alike",
            [](SweepPoint& p, const std::string& v) { p.law.sink = real_of(v); }},
    AxisRow{"maxima", drawn, "ties: equal maxima of a row",
            [](SweepPoint& p, const std::string& v) { p.law.maxima = size_of<4096>(v); }},
    AxisRow{"level", drawn, "ties: mean of the row maxima",
            [](SweepPoint& p, const std::string& v) { p.law.level = real_of(v); }},
    AxisRow{"level-spread", drawn, "ties: half the width of their range",
            [](SweepPoint& p, const std::string& v) { p.law.level_spread = real_of(v); }},
    AxisRow{"outlier", drawn, "outliers: factor of every 16th row",
            [](SweepPoint& p, const std::string& v) { p.law.outlier = real_of(v); }},
    AxisRow{"seeds", drawn, "seeds of the law",
            [](SweepPoint& p, const std::string& v) {
              p.law.seed = static_cast<uint64_t>(size_of<INT64_MAX>(v));
            }},
    AxisRow{"masks", any, "none, causal or LEFTxRIGHT keys around the diagonal", set_mask},
    AxisRow{"logit-scale", any, "factors of the softmax scale", set_logit_scale},
    AxisRow{"chips", any, "chips of the kernels",
            [](SweepPoint& p, const std::string& v) { p.chip = &chip_named(v); }},
    AxisRow{"kernels", any, "NAME or NAME@CHIP", set_kernel},
    AxisRow{"tiles", any, "ROWSxKEYS of a tile, or whole: one tile", set_tile},
    AxisRow{"strength", any, "p-cast: score of the sink",
            [](SweepPoint& p, const std::string& v) { p.strength = real_of(v); }},
    AxisRow{"p-scale", any, "p-cast: factor of P before its cast", set_p_scale},
    AxisRow{"orders", any, "p-cast: ascending or descending tiles", set_order},
    AxisRow{"terms", any, "sum: number of terms",
            [](SweepPoint& p, const std::string& v) { p.terms = size_of<int64_t{1} << 24>(v); }},
    AxisRow{"addends", any, "sum: uniform in [0, 1), or ones", set_addends},
    AxisRow{"site", any,
            "where formats and modes apply: inputs, sites of the pass, state, logits; A+B: both",
            set_places},
    AxisRow{"formats", any, "formats at --site",
            [](SweepPoint& p, const std::string& v) { p.format = format_named(v); }},
    AxisRow{"modes", any, "rounding modes at --site: rne, rz, sr8, ...",
            [](SweepPoint& p, const std::string& v) { p.rounding = any_rounding_named(v); }},
};

// "4..30", "4..30:2" or "1..256:x2" as numbers; a single value as it is.
std::vector<std::string> expanded(const std::string& piece) {
  const auto dots = piece.find("..");
  if (dots == std::string::npos) return {piece};
  const std::string_view rest = std::string_view(piece).substr(dots + 2);
  const auto colon = std::min(rest.find(':'), rest.size());
  std::string_view step = colon < rest.size() ? rest.substr(colon + 1) : "1";
  const bool by_factor = step.starts_with('x');
  if (by_factor) step.remove_prefix(1);
  const auto from = number_in<double>(std::string_view(piece).substr(0, dots));
  const auto to = number_in<double>(rest.substr(0, colon));
  const auto by = number_in<double>(step);
  if (!from || !to || !by || !(*from <= *to) || !(by_factor ? *by > 1 && *from > 0 : *by > 0)) {
    refuse(fmt::format("'{}': expected FROM..TO, FROM..TO:STEP or FROM..TO:xFACTOR", piece));
  }
  std::vector<std::string> values;
  // Steps are counted, so that they do not add up their roundings.
  double value = *from;
  for (int64_t i = 1; value <= *to && values.size() <= most_points; ++i) {
    values.push_back(fmt::format("{}", value));
    value = by_factor ? value * *by : *from + static_cast<double>(i) * *by;
  }
  return values;
}

const AxisRow& row_named(const std::string& name) {
  std::string known;
  for (const AxisRow& row : table) {
    if (row.name == name) return row;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  refuse(fmt::format("unknown axis '{}': expected {}", name, known));
}

void set(SweepPoint& point, const SweepAxis& axis, const std::string& value) {
  try {
    row_named(axis.name).set(point, value);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("--{}: {}", axis.name, error.what()));
  }
  point.labels.push_back(value);
}

}  // namespace

std::span<const AxisRow> axis_rows() { return table; }

std::vector<SweepAxis> axes_of(const AxisTexts& texts) {
  for (const auto& [name, text] : texts) row_named(name);
  std::vector<SweepAxis> axes;
  for (const AxisRow& row : table) {
    const auto given = std::find_if(texts.rbegin(), texts.rend(),
                                    [&](const auto& text) { return text.first == row.name; });
    if (given == texts.rend()) continue;
    SweepAxis axis{.name = std::string(row.name), .values = {}};
    for (const auto& piece : pieces_of(given->second, ',')) {
      if (piece.empty()) refuse(fmt::format("--{}: an empty value in its list", row.name));
      for (auto& value : expanded(piece)) axis.values.push_back(std::move(value));
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

std::vector<SweepPoint> grid_of(const std::vector<SweepAxis>& axes, const SweepPoint& base) {
  std::vector<SweepPoint> points{base};
  for (const SweepAxis& axis : axes) {
    if (points.size() * axis.values.size() > most_points) {
      refuse(fmt::format("a grid of more than {} points", most_points));
    }
    std::vector<SweepPoint> next;
    for (const SweepPoint& point : points) {
      for (const auto& value : axis.values) set(next.emplace_back(point), axis, value);
    }
    points = std::move(next);
  }
  return points;
}

}  // namespace ulpscope
