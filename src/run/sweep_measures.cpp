#include "ulpscope/run/sweep_measures.hpp"

#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/analysis/stalling_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

constexpr double residue_unit = 0x1p-32;  // of Moments, in ulps

json figures_of(const JudgedPoint& point) {
  const Moments& moments = point.errors.moments;
  const BiasSummary bias = summarise(point.errors);
  const auto judged = static_cast<double>(moments.count - moments.skipped);
  const double mean_square = static_cast<double>(moments.sum_squares) / judged;
  json figures{{"count", moments.count - moments.skipped},
               {"skipped", moments.skipped},
               {"mean_ulp", number_json(bias.by_value.mean)},
               {"stderr_ulp", number_json(bias.by_value.standard_error)},
               {"z", number_json(bias.by_value.z)},
               {"mean_away_ulp", number_json(bias.by_magnitude.mean)},
               {"stderr_away_ulp", number_json(bias.by_magnitude.standard_error)},
               {"z_away", number_json(bias.by_magnitude.z)},
               {"rms_ulp", number_json(std::sqrt(mean_square) * residue_unit)},
               {"max_ulp", number_json(static_cast<double>(moments.largest) * residue_unit)},
               {"max_difference", number_json(point.differences.largest)},
               {"rms_difference", number_json(point.differences.rms)},
               {"ulp_format", format_name(point.format)}};
  if (point.places.rounded > 0) {
    figures["rounded"] = point.places.rounded;
    figures["saturated"] = point.places.saturated;
    figures["underflow"] = point.places.underflow;
  }
  if (point.delta_share) figures["delta_share"] = number_json(*point.delta_share);
  return figures;
}

std::optional<json> run_attention_point(const SweepPoint& point, SweepEngine& engine) {
  const auto judged = engine.judge(point);
  if (!judged) return std::nullopt;
  return figures_of(*judged);
}

json monitor_figures(const Plan& plan, const std::vector<HeadMonitor>& heads) {
  double largest = 0;
  int64_t rows = 0, equal = 0, at_risk = 0;
  for (const HeadMonitor& head : heads) {
    largest = std::max(largest, head.largest);
    rows += head.rows;
    equal += head.rows_equal();
    at_risk += head.rows_at_risk;
  }
  const auto share = [&](int64_t part) {
    return number_json(static_cast<double>(part) / static_cast<double>(rows));
  };
  json figures{{"rows", rows},
               {"largest_score", number_json(largest)},
               {"equal_share", share(equal)},
               {"risk_share", share(at_risk)}};
  if (largest > 0) {
    figures["ulp_at_largest"] =
        number_json(std::ldexp(1.0, ulp_exponent(plan.problem.format, largest)));
  }
  return figures;
}

std::optional<json> run_logits_point(const SweepPoint& point, SweepEngine& engine) {
  const auto judged = engine.judge(point);
  if (!judged) return std::nullopt;
  const auto heads = monitor_heads(
      judged->plan, {.threads = engine.options().threads, .stop = engine.options().stop});
  if (engine.stopped()) return std::nullopt;
  json figures = figures_of(*judged);
  figures.update(monitor_figures(judged->plan, heads));
  return figures;
}

std::vector<uint16_t> addends_of(const SweepPoint& point, const Format& format) {
  const auto n = static_cast<size_t>(point.terms);
  switch (point.addends) {
    case Addends::uniform:
      return draw({.kind = LawKind::uniform, .seed = point.law.seed},
                  {.rows = point.terms, .keys = 1, .dim = 1, .format = format})
          .q;
    case Addends::ones: break;
  }
  const auto one = decode<uint64_t>(fp32, uint64_t{0x3F80'0000});
  return std::vector<uint16_t>(n,
                               static_cast<uint16_t>(round_pack(format, one, nearest_even).bits));
}

std::optional<json> run_sum_point(const SweepPoint& point, SweepEngine&) {
  const Format format = point.format.value_or(bf16);
  if (width(format) > 16) {
    throw Error(ErrorKind::usage, fmt::format("--formats {}: expected a format of 16 bits or fewer",
                                              format_name(format)));
  }
  const auto sum = sequential_sum(format, point.rounding.value_or(nearest_even),
                                  addends_of(point, format), point.law.seed);
  return json{{"count", point.terms},
              {"sum", number_json(sum.sum)},
              {"exact", number_json(sum.exact)},
              {"relative_error", number_json(sum.relative_error())},
              {"last_change", sum.last_change}};
}

std::vector<double> numbers(const Format& format, const std::vector<uint16_t>& codes) {
  std::vector<double> list(codes.size());
  std::transform(codes.begin(), codes.end(), list.begin(),
                 [&](uint16_t code) { return double_value(format, uint64_t{code}); });
  return list;
}

// Scores of drawn q and k, the first key's replaced by the sink's.
class SinkRows {
 public:
  SinkRows(const SweepPoint& point, const LawShape& shape) : shape_(shape), sink_(point.strength) {
    const LawTensors tensors = draw(point.law, shape);
    q_ = numbers(shape.format, tensors.q);
    k_ = numbers(shape.format, tensors.k);
    v_ = numbers(shape.format, tensors.v);
  }
  std::span<const double> values() const { return v_; }
  std::vector<double> scores(int64_t row) const {
    const auto dim = static_cast<size_t>(shape_.dim);
    const double root = std::sqrt(static_cast<double>(shape_.dim));
    const double* const q = &q_[static_cast<size_t>(row) * dim];
    std::vector<double> scores(static_cast<size_t>(shape_.keys));
    for (size_t key = 0; key < scores.size(); ++key) {
      double sum = 0;
      for (size_t d = 0; d < dim; ++d) sum += q[d] * k_[key * dim + d];
      scores[key] = sum / root;
    }
    scores[0] = sink_;
    return scores;
  }

 private:
  LawShape shape_;
  double sink_;
  std::vector<double> q_, k_, v_;
};

std::optional<json> run_p_cast_point(const SweepPoint& point, SweepEngine& engine) {
  LawShape shape = point.shape;
  shape.heads = 1;
  if (shape.keys == 0) shape.keys = shape.rows;
  const PCast cast{.format = point.format.value_or(e4m3fn),
                   .rounding = point.rounding.value_or(nearest_even),
                   .scale = point.p_scale,
                   .tile = point.tile ? point.tile->keys : 128,
                   .order = point.order,
                   .seed = point.law.seed};
  const SinkRows rows(point, shape);
  CastRow all;
  for (int64_t row = 0; row < shape.rows; ++row) {
    if (engine.stopped()) return std::nullopt;
    all.merge(cast_row(cast, rows.scores(row), rows.values()));
  }
  const auto keys = static_cast<double>(all.keys);
  const auto elements = static_cast<double>(all.elements);
  return json{{"count", all.keys},
              {"lost_share", number_json(static_cast<double>(all.lost) / keys)},
              {"threshold_share", number_json(static_cast<double>(all.below_threshold) / keys)},
              {"threshold", number_json(vanishing_gap(cast))},
              {"mse", number_json(all.squared_error / elements)},
              {"relative_mse", number_json(all.squared_error / all.squared_exact)}};
}

using Name = std::string_view;

constexpr std::array<Name, 20> attention_axes{
    "law",    "heads",   "rows",         "keys",    "dims",    "gap",   "sink",
    "maxima", "level",   "level-spread", "outlier", "seeds",   "masks", "logit-scale",
    "chips",  "kernels", "tiles",        "site",    "formats", "modes"};
constexpr std::array<Name, 5> sum_axes{"seeds", "terms", "addends", "formats", "modes"};
constexpr std::array<Name, 10> p_cast_axes{"rows",     "keys",    "dims",   "seeds",   "tiles",
                                           "strength", "p-scale", "orders", "formats", "modes"};

// Of the error of O, in ulps of the format that it is stored in.
constexpr std::array attention_columns{
    SweepColumn{"count", "count", "elements of O that were judged", FigureKind::count},
    SweepColumn{"skipped", "", "elements that are NaN or infinite on one side", FigureKind::count},
    SweepColumn{"mean_ulp", "mean ulp", "mean error with its clustered standard error",
                FigureKind::number, "stderr_ulp", Drawn::yes},
    SweepColumn{"stderr_ulp", "", "its standard error, clustered by row and feature"},
    SweepColumn{"z", "z", "mean over standard error; * marks |z| >= 5, where a bias is called",
                FigureKind::z},
    SweepColumn{"mean_away_ulp", "away", "the same, away from zero positive", FigureKind::number,
                "stderr_away_ulp", Drawn::yes},
    SweepColumn{"stderr_away_ulp", "", "its standard error"},
    SweepColumn{"z_away", "", "its z", FigureKind::z},
    SweepColumn{"rms_ulp", "rms", "root mean square, ulp", FigureKind::number, "", Drawn::yes},
    SweepColumn{"max_ulp", "max", "largest error, ulp"},
    SweepColumn{"max_difference", "max |diff|", "largest absolute difference", FigureKind::number,
                "", Drawn::yes},
    SweepColumn{"rms_difference", "", "root mean square of the difference"},
    SweepColumn{"ulp_format", "", "format whose ulps these are", FigureKind::name},
    SweepColumn{"rounded", "", "roundings at --site", FigureKind::count},
    SweepColumn{"saturated", "sat", "of them above the largest finite number", FigureKind::count},
    SweepColumn{"underflow", "underflow", "of them inexact below the smallest normal number",
                FigureKind::count},
    SweepColumn{"delta_share", "delta",
                "sum d / sum |d|, d = rowsum(dO (O - exact O)): near +1 or -1 delta drifts",
                FigureKind::number, "", Drawn::yes},
};
constexpr std::array logits_columns{
    SweepColumn{"largest_score", "max |S|", "largest score"},
    SweepColumn{"ulp_at_largest", "ulp there", "spacing of the inputs' format there"},
    SweepColumn{"rows", "", "rows with finite scores", FigureKind::count},
    SweepColumn{"equal_share", "equal", "share of rows with equal maxima", FigureKind::number, "",
                Drawn::yes},
    SweepColumn{"risk_share", "at risk", "share of rows at risk of the resonance",
                FigureKind::number, "", Drawn::yes},
    SweepColumn{"count", "count", "elements of O that were judged", FigureKind::count},
    SweepColumn{"skipped", "", "elements that are NaN or infinite on one side", FigureKind::count},
    SweepColumn{"mean_ulp", "mean ulp", "mean error with its clustered standard error",
                FigureKind::number, "stderr_ulp", Drawn::yes},
    SweepColumn{"stderr_ulp", "", "its standard error, clustered by row and feature"},
    SweepColumn{"z", "z", "mean over standard error; * marks |z| >= 5, where a bias is called",
                FigureKind::z},
    SweepColumn{"rms_ulp", "", "root mean square, ulp"},
    SweepColumn{"max_ulp", "", "largest error, ulp"},
    SweepColumn{"max_difference", "max |diff|", "largest absolute difference", FigureKind::number,
                "", Drawn::yes},
    SweepColumn{"rms_difference", "rms diff", "root mean square of the difference",
                FigureKind::number, "", Drawn::yes},
    SweepColumn{"ulp_format", "", "format whose ulps these are", FigureKind::name},
};
constexpr std::array sum_columns{
    SweepColumn{"count", "count", "terms", FigureKind::count},
    SweepColumn{"sum", "sum", "one rounding a term"},
    SweepColumn{"exact", "exact", "the exact sum"},
    SweepColumn{"relative_error", "relative error", "(sum - exact) / exact", FigureKind::number, "",
                Drawn::yes},
    SweepColumn{"last_change", "last change", "the term after which the sum stands still",
                FigureKind::count},
};
constexpr std::array p_cast_columns{
    SweepColumn{"count", "count", "probabilities", FigureKind::count},
    SweepColumn{"lost_share", "lost", "share of P that the cast makes zero", FigureKind::number, "",
                Drawn::yes},
    SweepColumn{"threshold_share", "below threshold",
                "share of scores that lie the threshold or more below the row's largest"},
    SweepColumn{"threshold", "threshold", "ln(2 / smallest positive number) + ln scale"},
    SweepColumn{"mse", "mse", "mean squared error of O", FigureKind::number, "", Drawn::yes},
    SweepColumn{"relative_mse", "relative mse", "the same over the mean square of O",
                FigureKind::number, "", Drawn::yes},
};

constexpr std::array measures{
    SweepMeasure{"attention", "error of O against exact attention of the unrounded inputs",
                 attention_axes, attention_columns, run_attention_point},
    SweepMeasure{"logits", "the same, and what the kernel's scores hold in store", attention_axes,
                 logits_columns, run_logits_point},
    SweepMeasure{"sum", "numbers added one by one, every sum rounded", sum_axes, sum_columns,
                 run_sum_point},
    SweepMeasure{"p-cast", "rows of P beside a sink, cast to 8 bits; no kernel's", p_cast_axes,
                 p_cast_columns, run_p_cast_point},
};

}  // namespace

std::span<const SweepMeasure> sweep_measures() { return measures; }

const SweepMeasure& measure_named(std::string_view name) {
  std::string known;
  for (const auto& measure : measures) {
    if (measure.name == name) return measure;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", measure.name);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown measure '{}': expected {}", name, known));
}

}  // namespace ulpscope
