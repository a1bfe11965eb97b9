#include "ulpscope/run/history_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/compare/element_history.hpp"
#include "ulpscope/compare/engines.hpp"
#include "ulpscope/round/text.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/compare_summary.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

EngineChoice parse_choice(const std::string& text) {
  const auto [recipe, chip] = kernel_and_chip(text);
  switch (recipe.engine) {
    case Engine::tiled: break;
    case Engine::reference:
      throw Error(ErrorKind::usage,
                  fmt::format("kernel {} rounds once, at the output: expected one that has a "
                              "history",
                              recipe.name));
  }
  return {&recipe, &chip};
}

std::vector<PlannedEngine> plans_of(const HistoryOptions& options, const Problem& problem) {
  if (options.kernels.empty() || options.kernels.size() > 2) {
    throw Error(ErrorKind::usage,
                fmt::format("--kernels: found {}, expected one or two", options.kernels.size()));
  }
  std::vector<EngineChoice> choices;
  for (const auto& kernel : options.kernels) choices.push_back(parse_choice(kernel));
  auto engines = plan_engines(choices, {.problem = problem, .dout = {}});
  for (const auto& engine : engines) {
    if (engine.plan == nullptr) throw Error(ErrorKind::usage, engine.refusal);
  }
  return engines;
}

TracedOutput output_of(const OneTensor& tensor, const Operand16& q) {
  auto sizes = q.sizes;
  if (tensor.info.shape == shape_in_layout(sizes, q.layout)) return TracedOutput::o;
  sizes[3] = 0;
  if (tensor.info.shape == shape_in_layout(sizes, q.layout)) return TracedOutput::lse;
  throw Error(ErrorKind::usage,
              fmt::format("{} has shape {}: expected that of q, {}, or without its last axis",
                          tensor.where, shape_text(tensor.info.shape), shape_text(q.shape)));
}

json kernel_json(const PlannedEngine& engine, const ElementHistory& history,
                 const ComparedPair& pair, size_t index) {
  json agrees = json::array();
  for (const auto& [name, side] : {std::pair{"a", &pair.a}, std::pair{"b", &pair.b}}) {
    if (have_same_bits({history.format, history.code}, {side->format, side->codes[index]})) {
      agrees.push_back(name);
    }
  }
  json steps = json::array();
  for (const auto& step : history.steps) steps.push_back(step_json(step));
  json result = element_json(history.format, history.code);
  result.update({{"name", engine_name(engine.choice)},
                 {"format", format_name(history.format)},
                 {"agrees_with", std::move(agrees)},
                 {"steps", std::move(steps)}});
  return result;
}

json sites_json(const std::vector<ElementHistory>& histories) {
  json result = json::array();
  for (const auto& site : by_site(histories)) {
    json of = json::array();
    for (const auto& steps : site.of) {
      json one{{"steps", steps.steps},
               {"inexact", steps.inexact},
               {"max_abs_ulp", static_cast<double>(steps.largest_residue) / 4294967296.0}};
      if (steps.last) {
        one["last_bits"] = code_text(fp32, *steps.last);
        one["last_value"] = number_json(double_value(fp32, *steps.last));
      }
      of.push_back(std::move(one));
    }
    result.push_back({{"site", std::string(row_of(site.site).name)},
                      {"kernels", std::move(of)},
                      {"different", site.different}});
  }
  return result;
}

}  // namespace

json step_json(const HistoryStep& step) {
  json result{{"site", std::string(row_of(step.site).name)},
              {"bits", code_text(fp32, step.value)},
              {"value", number_json(double_value(fp32, step.value))}};
  switch (row_of(step.site).axis) {
    case Axis::none: break;
    case Axis::key: result["key"] = step.column; break;
    case Axis::feature: result["feature"] = step.column; break;
  }
  if (has_error(step.record)) {
    result["error_ulp"] = static_cast<double>(step.record.residue) / 4294967296.0;
  }
  return result;
}

size_t element_place(const std::vector<int64_t>& element, const std::vector<int64_t>& axes) {
  const auto complaint = [&] {
    return Error(ErrorKind::usage, fmt::format("--element {}: expected an index of {}",
                                               fmt::join(element, ","), shape_text(axes)));
  };
  if (element.size() != axes.size()) throw complaint();
  size_t place = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (element[i] < 0 || element[i] >= axes[i]) throw complaint();
    place = place * static_cast<size_t>(axes[i]) + static_cast<size_t>(element[i]);
  }
  return place;
}

json history_json(const HistoryOptions& options, const ProblemOperands& operands,
                  const ComparedPair& pair, size_t index) {
  const TracedOutput output = output_of(pair.a, operands.q);
  const auto engines = plans_of(options, problem_of(options, operands));
  const auto columns = static_cast<int64_t>(output == TracedOutput::o ? operands.q.sizes[3] : 1);
  const auto place = static_cast<int64_t>(index);
  const TracedElement element{.row = place / columns, .feature = place % columns, .output = output};
  std::vector<ElementHistory> histories;
  json kernels = json::array();
  for (const auto& engine : engines) {
    histories.push_back(history_of(*engine.plan, element));
    kernels.push_back(kernel_json(engine, histories.back(), pair, index));
  }
  const int64_t row = element.row % operands.q.sizes[2];
  const int64_t head = element.row / operands.q.sizes[2];
  json result{
      {"output", output == TracedOutput::o ? "o" : "lse"},
      {"index", {head / operands.q.sizes[1], head % operands.q.sizes[1], row, element.feature}},
      {"kernels", std::move(kernels)},
      {"sites", sites_json(histories)}};
  if (histories.size() == 2) {
    if (const auto parting = first_parting(histories[0].steps, histories[1].steps)) {
      result["parting"] = {step_json(parting->a), step_json(parting->b)};
    }
  }
  return result;
}

}  // namespace ulpscope
