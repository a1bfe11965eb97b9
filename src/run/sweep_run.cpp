#include "ulpscope/run/sweep_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/run/sweep_measures.hpp"
#include "ulpscope/run/sweep_presets.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

bool has_input(const ProblemOptions& options) {
  return !options.inputs.input.empty() || !options.inputs.files.empty();
}

bool is_drawn(const std::string& axis) {
  const auto rows = axis_rows();
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const AxisRow& r) { return r.name == axis; });
  return row != rows.end() && row->of == AxisOf::drawn_problem;
}

// What is swept, by which measure: the preset with the axes that are given in its stead.
struct Experiment {
  const SweepPreset* preset;  // null: none
  const SweepMeasure& measure;
  std::vector<SweepAxis> axes;
};

AxisTexts texts_of(const SweepPreset* preset, const SweepOptions& options) {
  AxisTexts texts;
  if (preset != nullptr) {
    for (const auto& [name, text] : preset->axes) {
      // An input takes the place of the preset's law.
      if (!has_input(options.problem) || !is_drawn(std::string(name))) {
        texts.emplace_back(name, text);
      }
    }
  }
  texts.insert(texts.end(), options.axes.begin(), options.axes.end());
  return texts;
}

Experiment experiment_of(const SweepOptions& options) {
  const SweepPreset* preset = options.preset.empty() ? nullptr : &preset_named(options.preset);
  const std::string_view usual = preset == nullptr ? "attention" : preset->measure;
  const SweepMeasure& measure =
      measure_named(options.measure.empty() ? usual : std::string_view(options.measure));
  return {preset, measure, axes_of(texts_of(preset, options))};
}

void check(const Experiment& experiment, const SweepOptions& options) {
  const auto& known = experiment.measure.axes;
  if (experiment.axes.empty()) {
    throw Error(ErrorKind::usage, "a sweep needs --preset or an axis, such as --gap 4..30");
  }
  for (const SweepAxis& axis : experiment.axes) {
    if (std::find(known.begin(), known.end(), axis.name) == known.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("--{}: measure {} does not depend on it; expected {}", axis.name,
                              experiment.measure.name, fmt::join(known, ", ")));
    }
    if (has_input(options.problem) && is_drawn(axis.name)) {
      throw Error(ErrorKind::usage, fmt::format("--{} is of drawn problems; expected it without "
                                                "an input",
                                                axis.name));
    }
  }
  if (!has_input(options.problem) && !options.problem.alibi.empty()) {
    throw Error(ErrorKind::usage, "--alibi: expected an input beside it");
  }
}

SweepPoint base_of(const SweepOptions& options) {
  SweepPoint base;
  if (options.problem.inputs.format) base.shape.format = *options.problem.inputs.format;
  return base;
}

// The point's figures, or why it has none; nothing if it was stopped.
std::optional<json> run_point(const SweepPoint& point, const Experiment& experiment,
                              SweepEngine& engine) {
  json values = json::object();
  for (size_t i = 0; i < experiment.axes.size(); ++i) {
    values[experiment.axes[i].name] = point.labels[i];
  }
  json result{{"axes", values}};
  try {
    const auto figures = experiment.measure.run(point, engine);
    if (!figures) return std::nullopt;
    result["figures"] = *figures;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    result["refused"] = error.what();
  }
  return result;
}

// The axis along which lines are drawn: the preset's, or the first of those with most values.
std::string x_axis(const Experiment& experiment) {
  const auto& axes = experiment.axes;
  const auto preset_has = [&](const SweepAxis& axis) {
    return experiment.preset != nullptr && axis.name == experiment.preset->x;
  };
  const auto own = std::find_if(axes.begin(), axes.end(), preset_has);
  if (own != axes.end()) return own->name;
  return std::max_element(
             axes.begin(), axes.end(),
             [](const auto& a, const auto& b) { return a.values.size() < b.values.size(); })
      ->name;
}

std::string_view name_of(FigureKind kind) {
  switch (kind) {
    case FigureKind::count: return "count";
    case FigureKind::number: return "number";
    case FigureKind::z: return "z";
    case FigureKind::name: break;
  }
  return "name";
}

json columns_json(const SweepMeasure& measure) {
  json columns = json::array();
  for (const SweepColumn& column : measure.columns) {
    columns.push_back({{"figure", column.figure},
                       {"head", column.head},
                       {"meaning", column.meaning},
                       {"kind", name_of(column.kind)},
                       {"error", column.error},
                       {"drawn", column.drawn == Drawn::yes}});
  }
  return columns;
}

json document(const Experiment& experiment, const SweepOptions& options, json points) {
  json result = summary_header("sweep", options.command);
  result["schema"] = "ulpscope.sweep/1";
  if (experiment.preset != nullptr) {
    result["preset"] = {{"name", experiment.preset->name},
                        {"shows", experiment.preset->shows},
                        {"source", experiment.preset->source}};
  }
  result["measure"] = {{"name", experiment.measure.name}, {"summary", experiment.measure.summary}};
  result["x"] = x_axis(experiment);
  json axes = json::array();
  for (const SweepAxis& axis : experiment.axes) {
    axes.push_back({{"name", axis.name}, {"values", axis.values}});
  }
  result["axes"] = axes;
  result["columns"] = columns_json(experiment.measure);
  result["points"] = std::move(points);
  return result;
}

void require_one(const json& points) {
  for (const auto& point : points) {
    if (point.contains("figures")) return;
  }
  throw Error(ErrorKind::usage, fmt::format("no point of the grid can be run: {}",
                                            points[0]["refused"].get<std::string>()));
}

}  // namespace

std::optional<json> run_sweep(const SweepOptions& options) {
  const HostFpGuard guard;
  const Experiment experiment = experiment_of(options);
  check(experiment, options);
  const auto points = grid_of(experiment.axes, base_of(options));
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  std::optional<ProblemOperands> operands;
  if (has_input(options.problem)) operands = load_operands(options.problem);
  SweepEngine engine({.problem = options.problem,
                      .overrides = options.overrides,
                      .threads = options.threads,
                      .stop = options.stop},
                     operands ? &*operands : nullptr);
  json rows = json::array();
  for (const SweepPoint& point : points) {
    const auto row = engine.stopped() ? std::nullopt : run_point(point, experiment, engine);
    if (!row) return std::nullopt;
    rows.push_back(*row);
    if (options.progress) {
      options.progress(static_cast<int64_t>(rows.size()), static_cast<int64_t>(points.size()));
    }
  }
  require_one(rows);
  json result = document(experiment, options, std::move(rows));
  if (operands) result["inputs"] = inputs_json(*operands);
  if (!options.csv.empty()) write_file_atomically(options.csv, sweep_csv(result));
  if (folder) {
    write_file_atomically(folder->path() / "summary.json", result.dump(1) + "\n");
    write_file_atomically(folder->path() / "sweep.csv", sweep_csv(result));
    write_file_atomically(folder->path() / "report.html", sweep_page(result));
    folder->commit();
  }
  return result;
}

}  // namespace ulpscope
