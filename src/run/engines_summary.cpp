#include "ulpscope/run/engines_summary.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include "engines_verdict.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

json engine_json(const PlannedEngine& engine, bool unordered_dq) {
  const auto& [recipe, chip] = engine.choice;
  json result{{"name", engine_name(engine.choice)},
              {"kernel", recipe->name},
              {"description", recipe->summary}};
  if (recipe->engine == Engine::tiled) {
    result.update({{"chip", chip->name}, {"chip_row", chip->row}});
  }
  if (engine.plan == nullptr) {
    result["refusal"] = engine.refusal;
    return result;
  }
  if (recipe->engine == Engine::tiled) {
    result.update({{"tile_rows", engine.plan->tile_rows},
                   {"tile_keys", engine.plan->tile_keys},
                   {"splits", engine.plan->parts}});
  }
  if (!engine.backward_refusal.empty()) result["backward_refusal"] = engine.backward_refusal;
  result["unordered_dq"] = unordered_dq;
  return result;
}

json outputs_json(const EnginesRecord& record) {
  json outputs = json::array();
  for (const auto& tensor : record.results.tensors) {
    const auto [like, columns] = axes_of(tensor.tensor, record.operands);
    auto sizes = like.sizes;
    sizes[3] = columns;
    for (const auto& output : tensor.outputs) {
      outputs.push_back(whole_json(output_name(record.engines[output.engine].choice, tensor.tensor),
                                   output.format, shape_in_layout(sizes, like.layout),
                                   output.errors));
    }
  }
  return outputs;
}

json pair_json(const EnginePair& pair) {
  const json statistics = statistics_json("", fp32, pair.difference);
  json row{{"a", pair.a}, {"b", pair.b}, {"different_bits", pair.different_bits}};
  for (const char* field : {"skipped", "mean_ulp", "stderr_ulp", "z", "max_abs_ulp"}) {
    row[field] = statistics[field];
  }
  return row;
}

json matrix_json(const EnginesRecord& record, const EngineTensorResult& tensor) {
  json names = json::array();
  for (const auto& output : tensor.outputs) {
    names.push_back(engine_name(record.engines[output.engine].choice));
  }
  json pairs = json::array();
  for (const auto& pair : tensor.pairs) pairs.push_back(pair_json(pair));
  return {{"tensor", output_name(tensor.tensor)},
          {"elements", tensor.outputs.front().codes.size()},
          {"engines", names},
          {"pairs", pairs},
          {"groups", tensor.groups()}};
}

json notes_json(const EnginesRecord& record) {
  json notes = json::array();
  for (const auto& engine : record.engines) {
    const auto caveat = engine.choice.recipe->caveat;
    if (engine.plan == nullptr || caveat.empty()) continue;
    notes.push_back(fmt::format("{}: {}", engine_name(engine.choice), caveat));
  }
  for (size_t i = 0; i < record.engines.size(); ++i) {
    if (!record.results.unordered_dq[i]) continue;
    notes.push_back(fmt::format(
        "UNORDERED: {} adds the key tiles' parts of dQ in no fixed order, so that the last bits of "
        "its dQ differ from run to run; dq here is their sum in ascending order",
        engine_name(record.engines[i].choice)));
  }
  const Problem& p = record.problem;
  if (p.mask != no_mask && p.rows != p.keys) {
    notes.push_back(
        "rows and keys differ in number, and kernels align the mask's diagonal to the first or to "
        "the last key: those that align it otherwise solve another problem");
  }
  return notes;
}

}  // namespace

std::string output_name(const EngineChoice& choice, Output tensor) {
  return fmt::format("{}.{}", engine_name(choice), output_name(tensor));
}

TensorAxes axes_of(Output tensor, const ProblemOperands& operands) {
  const int64_t dim = operands.q.sizes[3];
  switch (tensor) {
    case Output::o:
    case Output::dq: return {operands.q, dim};
    case Output::lse: return {operands.q, 0};
    case Output::dk: return {operands.k, dim};
    case Output::dv: return {operands.v, dim};
  }
  return {operands.q, dim};
}

json engines_summary(const EnginesRecord& record) {
  json summary = summary_header("engines", record.command);
  summary["verdict"] = engines_verdict(record);
  const ProblemOperands& operands = record.operands;
  summary["inputs"] = inputs_json(operands);
  summary["problem"] = problem_json(record.problem, operands.q, operands.k);
  std::vector<Format> formats{operands.q.format};
  summary["engines"] = json::array();
  for (size_t i = 0; i < record.engines.size(); ++i) {
    summary["engines"].push_back(engine_json(record.engines[i], record.results.unordered_dq[i]));
  }
  summary["matrices"] = json::array();
  for (const auto& tensor : record.results.tensors) {
    summary["matrices"].push_back(matrix_json(record, tensor));
    for (const auto& output : tensor.outputs) formats.push_back(output.format);
  }
  summary["formats"] = formats_json(formats);
  const auto& gradients = record.results.gradient_reference;
  summary["reference"] =
      reference_json(record.results.reference, gradients ? &*gradients : nullptr);
  summary["outputs"] = outputs_json(record);
  if (auto notes = notes_json(record); !notes.empty()) summary["notes"] = std::move(notes);
  return summary;
}

}  // namespace ulpscope
